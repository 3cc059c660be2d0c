package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"meshgate/framework/kube"
	"meshgate/framework/wait"
)

// StopGateway takes every pod of a gateway away; StartGateway, or the end of the
// feature, brings them back. A gateway that is not of the run's making is refused.
func (e *Env) StopGateway(ctx context.Context, gateway string) error {
	g := e.Gateway(gateway)
	return e.scale(ctx, g.Namespace, g.Name, 0)
}

// StartGateway undoes StopGateway and waits until the gateway is ready.
func (e *Env) StartGateway(ctx context.Context, gateway string) error {
	g := e.Gateway(gateway)
	return e.scale(ctx, g.Namespace, g.Name, 1)
}

// StopWorkload takes every pod of a Deployment of the suite away; the namespace is
// readable. StartWorkload, or the end of the feature, brings them back.
func (e *Env) StopWorkload(ctx context.Context, namespace, deployment string) error {
	return e.scale(ctx, e.Namespace(namespace), deployment, 0)
}

// StartWorkload undoes StopWorkload and waits until the Deployment is ready.
func (e *Env) StartWorkload(ctx context.Context, namespace, deployment string) error {
	return e.scale(ctx, e.Namespace(namespace), deployment, 1)
}

// workload is a Deployment, by its real namespace.
type workload struct{ namespace, name string }

// scale notes what is stopped before it is: an interruption in between leaves nothing
// stopped.
func (e *Env) scale(ctx context.Context, namespace, name string, replicas int32) error {
	w := workload{namespace, name}
	if replicas == 0 {
		e.noteStopped(w, true)
	}
	d := wait.Deadline{Name: fmt.Sprintf("deployment %s/%s has %d replicas", namespace, name, replicas), Within: e.Budget.Ready}
	if err := e.Kube.Scale(ctx, d, namespace, name, replicas); err != nil {
		if errors.Is(err, kube.ErrForeign) {
			e.noteStopped(w, false)
		}
		return Broken(err)
	}
	if replicas > 0 {
		e.noteStopped(w, false)
	}
	e.Changed()
	return nil
}

func (e *Env) noteStopped(w workload, stopped bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if stopped {
		e.stopped = append(e.stopped, w)
		return
	}
	e.stopped = slices.DeleteFunc(e.stopped, func(s workload) bool { return s == w })
}

// restart brings back what a feature has stopped and not started again.
func (e *Env) restart(ctx context.Context) error {
	e.mu.Lock()
	stopped := slices.Clone(e.stopped)
	e.mu.Unlock()
	var errs []error
	for _, w := range stopped {
		errs = append(errs, e.scale(ctx, w.namespace, w.name, 1))
	}
	return errors.Join(errs...)
}

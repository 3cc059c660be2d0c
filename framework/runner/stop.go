package runner

import (
	"context"
	"errors"
	"fmt"
	"meshgate/framework/suite"
	"slices"

	"meshgate/framework/kube"
	"meshgate/framework/wait"
)

func (e *environment) StopGateway(ctx context.Context, gateway string) error {
	g := e.Gateway(gateway)
	return e.scale(ctx, g.Namespace, g.Name, 0)
}

func (e *environment) StartGateway(ctx context.Context, gateway string) error {
	g := e.Gateway(gateway)
	return e.scale(ctx, g.Namespace, g.Name, 1)
}

func (e *environment) StopWorkload(ctx context.Context, namespace, deployment string) error {
	return e.scale(ctx, e.Namespace(namespace), deployment, 0)
}

func (e *environment) StartWorkload(ctx context.Context, namespace, deployment string) error {
	return e.scale(ctx, e.Namespace(namespace), deployment, 1)
}

// workload is a Deployment, by its real namespace.
type workload struct{ namespace, name string }

// scale notes what is stopped before it is: an interruption in between leaves nothing
// stopped.
func (e *environment) scale(ctx context.Context, namespace, name string, replicas int32) error {
	w := workload{namespace, name}
	if replicas == 0 {
		e.noteStopped(w, true)
	}
	d := wait.Deadline{Name: fmt.Sprintf("deployment %s/%s has %d replicas", namespace, name, replicas), Within: e.budget.Ready}
	if err := e.kube.Scale(ctx, d, namespace, name, replicas); err != nil {
		if errors.Is(err, kube.ErrForeign) {
			e.noteStopped(w, false)
		}
		return suite.Infrastructure(err)
	}
	if replicas > 0 {
		e.noteStopped(w, false)
	}
	e.noteChange()
	return nil
}

func (e *environment) noteStopped(w workload, stopped bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if stopped {
		e.stopped = append(e.stopped, w)
		return
	}
	e.stopped = slices.DeleteFunc(e.stopped, func(s workload) bool { return s == w })
}

// restart brings back what a feature has stopped and not started again.
func (e *environment) restart(ctx context.Context) error {
	e.mu.Lock()
	stopped := slices.Clone(e.stopped)
	e.mu.Unlock()
	var errs []error
	for _, w := range stopped {
		errs = append(errs, e.scale(ctx, w.namespace, w.name, 1))
	}
	return errors.Join(errs...)
}

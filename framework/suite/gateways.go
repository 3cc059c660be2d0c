package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"meshgate/framework/accesslog"
	"meshgate/framework/kube"
	"meshgate/framework/mesh"
	"meshgate/framework/wait"

	"k8s.io/apimachinery/pkg/labels"
)

// The shared gateways, as fixtures select them by label istio.
const (
	ingressGateway = "ingressgateway"
	egressGateway  = "egressgateway"
)

// Gateway is the gateway that fixtures select by this value of label istio: a shared
// one, or one of Suite.Gateways. One that the mesh has not is not Present.
func (e *Env) Gateway(name string) mesh.Gateway {
	switch name {
	case "", ingressGateway:
		return e.Mesh.Ingress
	case egressGateway:
		return e.Mesh.Egress
	}
	return e.Mesh.Others[name]
}

// selectors are the labels of the pods of each gateway that fixtures may select.
func (e *Env) selectors() map[string]map[string]string {
	s := map[string]map[string]string{}
	for _, name := range []string{ingressGateway, egressGateway} {
		s[name] = e.Gateway(name).Selector
	}
	for name, g := range e.Mesh.Others {
		s[name] = g.Selector
	}
	return s
}

// LinesOf reads a gateway's access log since the feature began.
func (e *Env) LinesOf(ctx context.Context, gateway string) ([]accesslog.Line, error) {
	g := e.Gateway(gateway)
	return e.Lines(ctx, g.Namespace, labels.SelectorFromSet(g.Selector).String())
}

// Admin asks the admin interface of a gateway's Envoy, first replica.
func (e *Env) Admin(ctx context.Context, gateway, path string) (string, error) {
	g := e.Gateway(gateway)
	return e.adminOf(ctx, g.Namespace, labels.SelectorFromSet(g.Selector).String(), path)
}

// SidecarAdmin asks the admin interface of an application's sidecar, first replica.
func (e *Env) SidecarAdmin(ctx context.Context, namespace, app, path string) (string, error) {
	return e.adminOf(ctx, e.Namespace(namespace), "app="+app, path)
}

func (e *Env) adminOf(ctx context.Context, namespace, selector, path string) (string, error) {
	pods, err := e.pods(ctx, namespace, selector)
	if err != nil {
		return "", err
	}
	out, _, err := e.Kube.Exec(ctx, pods[0].Namespace, pods[0].Name, proxyContainer, []string{"pilot-agent", "request", "GET", path}, nil)
	return string(out), Broken(err)
}

// Opened counts the connections that a gateway's Envoy has opened to a cluster of its
// configuration, such as "outbound|27017||mongodb.bookinfo.svc.cluster.local".
func (e *Env) Opened(ctx context.Context, gateway, cluster string) (int, error) {
	text, err := e.Admin(ctx, gateway, clustersPath)
	return opened(text, cluster, err)
}

// SidecarOpened is Opened of an application's sidecar; the namespace is readable.
func (e *Env) SidecarOpened(ctx context.Context, namespace, app, cluster string) (int, error) {
	text, err := e.SidecarAdmin(ctx, namespace, app, clustersPath)
	return opened(text, cluster, err)
}

const clustersPath = "clusters"

func opened(text, cluster string, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	all, err := mesh.ParseClusters(text)
	return mesh.Opened(all, cluster), Broken(err)
}

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

// LoadBalancer waits until a Service of the suite has the address of a load balancer and
// returns it; the namespace is readable. A Service that never gets one says nothing
// about the mesh.
func (e *Env) LoadBalancer(ctx context.Context, namespace, service string) (host string, err error) {
	ns := e.Namespace(namespace)
	d := wait.Deadline{Name: "load balancer's address of Service " + ns + "/" + service, Within: e.Budget.Programmed}
	_, err = wait.Until(ctx, d, pollEvery, func(ctx context.Context) error {
		host, err = e.Kube.LoadBalancer(ctx, ns, service)
		return err
	})
	return host, Broken(err)
}

// ClusterIP is the address of a Service of the suite inside the cluster; the namespace
// is readable.
func (e *Env) ClusterIP(ctx context.Context, namespace, service string) (string, error) {
	ip, err := e.Kube.ClusterIP(ctx, e.Namespace(namespace), service)
	return ip, Broken(err)
}

// Forward opens a way from here to a port of the first pod of an application, past the
// mesh: for setting a database up, not for asserting anything. The namespace is readable.
func (e *Env) Forward(ctx context.Context, namespace, app string, port int) (local string, stop func(), err error) {
	pods, err := e.pods(ctx, e.Namespace(namespace), "app="+app)
	if err != nil {
		return "", nil, err
	}
	local, stop, err = e.Kube.Forward(ctx, pods[0].Namespace, pods[0].Name, port)
	return local, stop, Broken(err)
}

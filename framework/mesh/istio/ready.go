package istio

import (
	"context"
	"fmt"

	"meshgate/framework/mesh"
	"meshgate/framework/mesh/detect"
	"meshgate/framework/mesh/ready"
	"meshgate/framework/wait"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// bare is the mesh as far as it follows from the options.
func (w *work) bare(version string) *mesh.Mesh {
	return &mesh.Mesh{Flavour: w.Name(), Version: version, Revision: w.opts.Revision,
		Namespace: w.opts.Namespace, MemberLabels: mesh.MemberLabels(w.opts.Revision)}
}

func (w *work) istiodAnswers(ctx context.Context, crds []*unstructured.Unstructured) error {
	m, name := w.bare(""), istiodName(w.opts.Revision)
	w.phase.Waiting(name + " and its webhooks")
	limit := wait.Deadline{Name: name + " answers", Within: w.opts.Budget.MeshUp}
	if err := w.k.AwaitDeployment(ctx, limit, w.opts.Namespace, name, nil); err != nil {
		return err
	}
	_, err := wait.Until(ctx, limit, pollEvery, func(ctx context.Context) error {
		if err := served(w.k, crds); err != nil {
			return err
		}
		if err := ready.Injects(ctx, w.k.Dynamic(), m); err != nil {
			return err
		}
		return ready.Validates(ctx, w.k.Dynamic(), m)
	})
	return err
}

// ready waits for the rest of what readiness means, and describes the mesh.
func (w *work) ready(ctx context.Context, s stock) (*mesh.Mesh, error) {
	m := w.bare(s.tag)
	console := mesh.NewConsole(w.k, m)
	defer console.Close()
	var lb error
	w.phase.Waiting("gateways, their address and their proxies' configuration")
	limit := wait.Deadline{Name: "gateways answer, proxies SYNCED", Within: w.opts.Budget.MeshUp}
	for _, name := range []string{ingressName(w.opts.Revision), egressName(w.opts.Revision)} {
		if err := w.k.AwaitDeployment(ctx, limit, w.opts.Namespace, name, nil); err != nil {
			return nil, err
		}
	}
	_, err := wait.Until(ctx, limit, pollEvery, func(ctx context.Context) (err error) {
		lb, err = w.look(ctx, m, console)
		return err
	})
	if err != nil {
		return nil, err
	}
	return w.describe(ctx, m, s, lb)
}

// look is one look at what else readiness means. It fills in the gateways.
func (w *work) look(ctx context.Context, m *mesh.Mesh, console *mesh.Console) (lb, err error) {
	if lb, err = w.addresses(ctx, m); err != nil {
		return nil, err
	}
	proxies, err := console.Syncz(ctx)
	if err != nil {
		return nil, err
	}
	return lb, connected(proxies, m)
}

// connected is nil when both gateways are among the proxies and all are SYNCED.
func connected(proxies []mesh.ProxyStatus, m *mesh.Mesh) error {
	for _, g := range []mesh.Gateway{m.Ingress, m.Egress} {
		if !anyOf(proxies, g) {
			return fmt.Errorf("gateway %s/%s: no pod of it among the %d proxies connected to istiod", g.Namespace, g.Name, len(proxies))
		}
	}
	return mesh.AllSynced(proxies)
}

func anyOf(proxies []mesh.ProxyStatus, g mesh.Gateway) bool {
	for _, p := range proxies {
		if p.Namespace == g.Namespace && len(p.Proxy) > len(g.Name) && p.Proxy[:len(g.Name)+1] == g.Name+"-" {
			return true
		}
	}
	return false
}

func (w *work) addresses(ctx context.Context, m *mesh.Mesh) (lb, err error) {
	services := w.k.Typed().CoreV1().Services(w.opts.Namespace)
	out, err := services.Get(ctx, egressName(w.opts.Revision), metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("egress gateway: %w", err)
	}
	in, err := services.Get(ctx, ingressName(w.opts.Revision), metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("ingress gateway: %w", err)
	}
	m.Egress, m.Ingress = detect.Gateway(out), detect.Gateway(in)
	return w.reach(ctx, m, in)
}

// reach waits for the load balancer's address where the cluster gives any, and
// takes a node's port where it does not.
func (w *work) reach(ctx context.Context, m *mesh.Mesh, in *corev1.Service) (lb, err error) {
	if w.opts.Ground.LoadBalancer == nil && len(in.Status.LoadBalancer.Ingress) == 0 {
		return nil, fmt.Errorf("gateway %s/%s: no load balancer's address assigned yet", in.Namespace, in.Name)
	}
	nodes, err := detect.Nodes(ctx, w.k.Typed())
	if err != nil {
		return nil, err
	}
	places, err := detect.Places(in, nodes, false)
	if err != nil {
		return nil, err
	}
	place, err := ready.Reach(ctx, places)
	if err != nil {
		return nil, err
	}
	m.Ingress.Host, m.Ingress.Ports = place.Host, place.Ports
	return place.Unbalanced(), nil
}

func (w *work) describe(ctx context.Context, m *mesh.Mesh, s stock, lb error) (*mesh.Mesh, error) {
	cfg, err := detect.MeshConfig(ctx, w.k.Typed(), m.Namespace, m.Revision)
	if err != nil {
		return nil, err
	}
	findings := detect.Findings{Config: cfg, Ground: w.opts.Ground, LoadBalancer: lb}
	if s.substitute != "" {
		findings.Proxy = fmt.Errorf("the proxies are %s, which does not export istio_requests_total", s.substitute)
		w.facts = append(w.facts, "the proxies are "+s.substitute)
	}
	m.Facts = w.facts
	detect.Describe(m, findings)
	return m, nil
}

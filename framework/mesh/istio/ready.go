package istio

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"meshgate/framework/mesh"
	"meshgate/framework/mesh/detect"
	"meshgate/framework/mesh/ready"
	"meshgate/framework/wait"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// bare is the description of the mesh that follows from the options alone.
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

// ready waits until gateways answer and proxies are SYNCED, and describes the mesh.
func (w *work) ready(ctx context.Context, s stock) (*mesh.Mesh, error) {
	m := w.bare(s.tag)
	console := mesh.NewConsole(w.k, m)
	defer console.Close()
	var lb error
	w.phase.Waiting("the gateways' pods, addresses and configuration")
	limit := wait.Deadline{Name: "gateways answer, proxies SYNCED", Within: w.opts.Budget.MeshUp}
	for name := range gateways(w.opts) {
		if err := w.gatewayReady(ctx, limit, name); err != nil {
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

// gatewayReady waits for a gateway's pods. It starts a gateway that a killed run has left
// scaled to 0.
func (w *work) gatewayReady(ctx context.Context, limit wait.Deadline, name string) error {
	revived, err := w.k.Revive(ctx, limit, w.opts.Namespace, name)
	if err != nil {
		return err
	}
	if revived {
		w.phase.Note("gateway %s was started again: an interrupted run had stopped it", name)
	}
	return w.k.AwaitDeployment(ctx, limit, w.opts.Namespace, name, nil)
}

// look checks once the rest of what readiness means, and sets the gateways of the mesh.
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

// connected is nil when all gateways are connected to istiod and SYNCED.
func connected(proxies []mesh.ProxyStatus, m *mesh.Mesh) error {
	for _, g := range slices.AppendSeq([]mesh.Gateway{m.Ingress, m.Egress}, maps.Values(m.Others)) {
		if !slices.ContainsFunc(proxies, g.Runs) {
			return fmt.Errorf("gateway %s/%s: no pod of it among the %d proxies connected to istiod", g.Namespace, g.Name, len(proxies))
		}
	}
	return mesh.AllSynced(proxies)
}

// addresses sets the gateways of the mesh. lb says why the shared ingress gateway has no load
// balancer.
func (w *work) addresses(ctx context.Context, m *mesh.Mesh) (lb, err error) {
	m.Others = map[string]mesh.Gateway{}
	for name, spec := range gateways(w.opts) {
		g, unbalanced, err := w.gateway(ctx, name, spec)
		if err != nil {
			return nil, err
		}
		switch name {
		case ingressName(w.opts.Revision):
			m.Ingress, lb = g, unbalanced
		case egressName(w.opts.Revision):
			m.Egress = g
		default:
			m.Others[spec.Name] = g
		}
	}
	return lb, nil
}

// gateway describes a gateway by its Service. It must answer, unless it is an egress gateway.
func (w *work) gateway(ctx context.Context, name string, spec mesh.GatewaySpec) (g mesh.Gateway, unbalanced, err error) {
	s, err := w.k.Typed().CoreV1().Services(w.opts.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return g, nil, fmt.Errorf("gateway %s: %w", name, err)
	}
	g = detect.Gateway(s)
	if spec.Egress {
		return g, nil, nil
	}
	place, err := w.reach(ctx, s)
	if err != nil {
		return g, nil, err
	}
	g.Host, g.Ports = place.Host, place.Ports
	return g, place.Unbalanced(), nil
}

// reach waits for the address of the load balancer if the cluster has load balancers, and
// otherwise uses a node port.
func (w *work) reach(ctx context.Context, in *corev1.Service) (detect.Place, error) {
	if w.opts.Ground.LoadBalancer == nil && len(in.Status.LoadBalancer.Ingress) == 0 {
		return detect.Place{}, fmt.Errorf("gateway %s/%s: the load balancer has assigned no address yet", in.Namespace, in.Name)
	}
	nodes, err := detect.Nodes(ctx, w.k.Typed())
	if err != nil {
		return detect.Place{}, err
	}
	places, err := detect.Places(in, nodes, false)
	if err != nil {
		return detect.Place{}, err
	}
	return ready.Reach(ctx, places)
}

func (w *work) describe(ctx context.Context, m *mesh.Mesh, s stock, lb error) (*mesh.Mesh, error) {
	cfg, err := detect.MeshConfig(ctx, w.k.Typed(), m.Namespace, m.Revision)
	if err != nil {
		return nil, err
	}
	findings := detect.Findings{Config: cfg, Ground: w.opts.Ground, LoadBalancer: lb, Storage: detect.Storage(ctx, w.k.Typed())}
	if s.substitute != "" {
		findings.Proxy = fmt.Errorf("the proxies are %s, which does not export istio_requests_total", s.substitute)
		w.facts = append(w.facts, "the proxies are "+s.substitute)
	}
	m.Facts = w.facts
	detect.Describe(m, findings)
	return m, nil
}

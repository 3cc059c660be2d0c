// Package existing uses a mesh that is already installed on the cluster. It reads the
// properties and capabilities of the mesh and changes nothing: its requests to webhooks are
// dry runs.
package existing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"meshgate/framework/bundle"
	"meshgate/framework/kube"
	"meshgate/framework/mesh"
	"meshgate/framework/mesh/detect"
	"meshgate/framework/mesh/ready"
	"meshgate/framework/progress"
	"meshgate/framework/wait"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const pollEvery = 200 * time.Millisecond

// Options select a mesh when there are several.
type Options struct {
	Namespace string             // preferred if it has a control plane
	Revision  string             // required if not empty
	Version   string             // required version, "1.24" or "1.24.3"; "" accepts any
	Gateways  []mesh.GatewaySpec // needed in addition to the shared ingress and egress gateway
	Budget    wait.Budget
	Ground    mesh.Ground
}

// Flavour is a mesh that meshgate did not install.
type Flavour struct{ opts Options }

var _ mesh.Flavour = (*Flavour)(nil)

// New returns the flavour.
func New(o Options) *Flavour { return &Flavour{opts: o} }

// Name is "existing".
func (f *Flavour) Name() string { return "existing" }

// Component is empty: the flavour needs nothing of the bundle.
func (f *Flavour) Component() string { return "" }

// Images is empty: the mesh is already running.
func (f *Flavour) Images() []string { return nil }

// Down does nothing: meshgate did not install the mesh.
func (f *Flavour) Down(context.Context, *kube.Client, progress.Log) error { return nil }

// Up finds the mesh and waits until it is ready. It fails when there is no mesh, several and
// none is selected, another version than required, or a part that does not become ready.
func (f *Flavour) Up(ctx context.Context, k *kube.Client, _ *bundle.Bundle, log progress.Log) (m *mesh.Mesh, err error) {
	phase := log.Begin("use existing mesh")
	defer func() { phase.End(err) }()
	all, err := detect.ControlPlanes(ctx, k.Typed())
	if err != nil {
		return nil, err
	}
	cp, err := detect.Choose(all, detect.Choice{Namespace: f.opts.Namespace, Revision: f.opts.Revision})
	if err != nil {
		return nil, err
	}
	t := &adoption{Options: f.opts, k: k, phase: phase, mesh: meshOf(cp, f.opts)}
	t.mesh.Flavour = f.Name()
	return t.take(ctx, cp)
}

// adoption is one call of Up.
type adoption struct {
	Options
	k        *kube.Client
	phase    progress.Phase
	mesh     *mesh.Mesh
	findings detect.Findings
}

func meshOf(cp detect.ControlPlane, o Options) *mesh.Mesh {
	m := &mesh.Mesh{Version: cp.Version, Revision: cp.Revision, Namespace: cp.Namespace, Taken: true,
		MemberLabels: mesh.MemberLabels(cp.Revision)}
	if o.Namespace != "" && cp.Namespace != o.Namespace {
		m.Facts = append(m.Facts, fmt.Sprintf("the control plane is in namespace %s, not in control_plane_namespace=%s", cp.Namespace, o.Namespace))
	}
	return m
}

func (t *adoption) take(ctx context.Context, cp detect.ControlPlane) (*mesh.Mesh, error) {
	t.phase.Waiting("control plane " + cp.String())
	if err := t.k.AwaitDeployment(ctx, wait.Deadline{Name: "mesh ready", Within: t.Budget.MeshUp}, cp.Namespace, cp.Name, nil); err != nil {
		return nil, err
	}
	if err := t.version(ctx); err != nil {
		return nil, err
	}
	if err := t.webhooks(ctx); err != nil {
		return nil, err
	}
	if err := t.gateways(ctx); err != nil {
		return nil, err
	}
	if err := t.synced(ctx); err != nil {
		return nil, err
	}
	return t.describe(ctx)
}

// version asks istiod for its version when the image's tag has none.
func (t *adoption) version(ctx context.Context) error {
	if t.mesh.Version == "" {
		console := mesh.NewConsole(t.k, t.mesh)
		defer console.Close()
		answers, err := console.Get(ctx, "/version")
		if err != nil {
			return err
		}
		for _, a := range answers {
			t.mesh.Version = strings.TrimSpace(string(a))
		}
	}
	return matches(t.mesh.Version, t.Version)
}

// matches compares versions part by part: 1.2 does not match 1.24.
func matches(got, want string) error {
	if want == "" || got == want || strings.HasPrefix(got, want+".") || strings.HasPrefix(got, want+"-") {
		return nil
	}
	return fmt.Errorf("mesh version: want %s, got %s: leave out --mesh-version to accept any", want, got)
}

// webhooks waits for the validation webhook. A mesh without injection can still be tested at
// its gateways, but one without validation is not ready.
func (t *adoption) webhooks(ctx context.Context) error {
	_, err := wait.Until(ctx, wait.Deadline{Name: "validation webhook answers", Within: t.Budget.Programmed}, pollEvery, func(ctx context.Context) error {
		return ready.Validates(ctx, t.k.Dynamic(), t.mesh)
	})
	if err != nil {
		return err
	}
	t.findings.Injection = ready.Injects(ctx, t.k.Dynamic(), t.mesh)
	return nil
}

func (t *adoption) gateways(ctx context.Context) error {
	in, err := t.service(ctx, "ingressgateway")
	if err != nil {
		return fmt.Errorf("ingress gateway: %w", err)
	}
	t.mesh.Ingress = detect.Gateway(in)
	out, err := t.service(ctx, "egressgateway")
	switch {
	case err == nil:
		t.mesh.Egress = detect.Gateway(out)
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("egress gateway: %w", err)
	}
	place, err := t.reach(ctx, in)
	if err != nil {
		return err
	}
	t.mesh.Ingress.Host, t.mesh.Ingress.Ports = place.Host, place.Ports
	t.findings.LoadBalancer = place.Unbalanced()
	return t.others(ctx)
}

// others finds the gateways that suites need. Features whose gateway is missing or has other
// ports are skipped with that reason.
func (t *adoption) others(ctx context.Context) error {
	t.mesh.Others = map[string]mesh.Gateway{}
	for _, spec := range t.Gateways {
		s, err := t.service(ctx, spec.Name)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("gateway %s: %w", spec.Name, err)
		}
		g := detect.Gateway(s)
		if !spec.Egress {
			place, err := t.reach(ctx, s)
			if err != nil {
				return fmt.Errorf("gateway %s: %w", spec.Name, err)
			}
			g.Host, g.Ports = place.Host, place.Ports
		}
		t.mesh.Others[spec.Name] = g
	}
	return nil
}

// service prefers a gateway of the selected revision.
func (t *adoption) service(ctx context.Context, role string) (*corev1.Service, error) {
	if t.mesh.Revision != "" {
		s, err := detect.GatewayService(ctx, t.k.Typed(), role+"-"+t.mesh.Revision, t.mesh.Namespace)
		if !apierrors.IsNotFound(err) {
			return s, err
		}
	}
	return detect.GatewayService(ctx, t.k.Typed(), role, t.mesh.Namespace)
}

// reach does not wait for a load balancer: the mesh was installed earlier, so a missing
// address will not appear.
func (t *adoption) reach(ctx context.Context, in *corev1.Service) (place detect.Place, err error) {
	t.phase.Waiting("gateway " + in.Namespace + "/" + in.Name)
	nodes, err := detect.Nodes(ctx, t.k.Typed())
	if err != nil {
		return place, err
	}
	places, err := detect.Places(in, nodes, true)
	if err != nil {
		return place, err
	}
	_, err = wait.Until(ctx, wait.Deadline{Name: "gateway " + in.Name + " answers", Within: t.Budget.Programmed}, pollEvery, func(ctx context.Context) error {
		place, err = ready.Reach(ctx, places)
		return err
	})
	return place, err
}

// synced waits only for the proxies of the gateways. Other proxies that are not SYNCED become
// a fact in the report.
func (t *adoption) synced(ctx context.Context) error {
	t.phase.Waiting("proxies' configuration")
	console := mesh.NewConsole(t.k, t.mesh)
	defer console.Close()
	var all []mesh.ProxyStatus
	_, err := wait.Until(ctx, wait.Deadline{Name: "gateways' proxies SYNCED", Within: t.Budget.Programmed}, pollEvery, func(ctx context.Context) (err error) {
		if all, err = console.Syncz(ctx); err != nil {
			return err
		}
		return mesh.AllSynced(mesh.Among(all, mesh.In(t.mesh.Ingress.Namespace, t.mesh.Egress.Namespace)))
	})
	if late := mesh.AllSynced(all); err == nil && late != nil {
		t.mesh.Facts = append(t.mesh.Facts, "not all proxies of the mesh are SYNCED: "+strings.ReplaceAll(late.Error(), "\n", "; "))
	}
	return err
}

func (t *adoption) describe(ctx context.Context) (*mesh.Mesh, error) {
	cfg, err := detect.MeshConfig(ctx, t.k.Typed(), t.mesh.Namespace, t.mesh.Revision)
	if err != nil {
		return nil, err
	}
	t.findings.Config, t.findings.Ground = cfg, t.Ground
	t.findings.Storage = detect.Storage(ctx, t.k.Typed())
	t.findings.Proxy = detect.ExportsMetrics(ctx, t.proxy)
	detect.Describe(t.mesh, t.findings)
	return t.mesh, nil
}

// proxy sends a request to the admin interface of one of the ingress gateway's proxies.
func (t *adoption) proxy(ctx context.Context, path string) ([]byte, error) {
	g := t.mesh.Ingress
	pods, err := t.k.Pods(ctx, g.Namespace, detect.Selector(g.Selector))
	if err != nil {
		return nil, err
	}
	for _, p := range pods {
		if kube.NotReady(p) == "" {
			out, _, err := t.k.Exec(ctx, p.Namespace, p.Name, "istio-proxy", []string{"pilot-agent", "request", "GET", path}, nil)
			return out, err
		}
	}
	return nil, errors.New("gateway " + g.Namespace + "/" + g.Name + ": want a ready pod, got none of " + fmt.Sprint(len(pods)))
}

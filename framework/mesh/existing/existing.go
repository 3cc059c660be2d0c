// Package existing takes a mesh that is on the cluster already. It reads what it
// is and what it can do, and changes nothing: what it asks of webhooks is asked
// as a dry run.
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

// Options say which mesh is meant where there are several.
type Options struct {
	Namespace string             // preferred, where it holds a control plane
	Revision  string             // required, if not empty
	Version   string             // what must be found, "1.24" or "1.24.3"; "" takes any
	Gateways  []mesh.GatewaySpec // looked for beside the shared ingress and egress gateway
	Budget    wait.Budget
	Ground    mesh.Ground
}

// Flavour is a mesh that somebody else installed.
type Flavour struct{ opts Options }

var _ mesh.Flavour = (*Flavour)(nil)

// New makes the flavour.
func New(o Options) *Flavour { return &Flavour{opts: o} }

// Name is "existing".
func (f *Flavour) Name() string { return "existing" }

// Component is empty: nothing of the bundle is needed.
func (f *Flavour) Component() string { return "" }

// Images is empty: the mesh has its images.
func (f *Flavour) Images() []string { return nil }

// Down does nothing: the mesh is not ours.
func (f *Flavour) Down(context.Context, *kube.Client, progress.Log) error { return nil }

// Up finds the mesh and waits until it is ready. Errors: none there, several and
// none chosen, another version than asked for, or what is not ready about it.
func (f *Flavour) Up(ctx context.Context, k *kube.Client, _ *bundle.Bundle, log progress.Log) (m *mesh.Mesh, err error) {
	phase := log.Begin("take mesh")
	defer func() { phase.End(err) }()
	all, err := detect.ControlPlanes(ctx, k.Typed())
	if err != nil {
		return nil, err
	}
	cp, err := detect.Choose(all, detect.Choice{Namespace: f.opts.Namespace, Revision: f.opts.Revision})
	if err != nil {
		return nil, err
	}
	t := &taking{Options: f.opts, k: k, phase: phase, mesh: meshOf(cp, f.opts)}
	t.mesh.Flavour = f.Name()
	return t.take(ctx, cp)
}

// taking is one Up under way.
type taking struct {
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

func (t *taking) take(ctx context.Context, cp detect.ControlPlane) (*mesh.Mesh, error) {
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

// version asks istiod where the image's tag does not tell.
func (t *taking) version(ctx context.Context) error {
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

// matches compares versions by their parts: 1.2 is not 1.24.
func matches(got, want string) error {
	if want == "" || got == want || strings.HasPrefix(got, want+".") || strings.HasPrefix(got, want+"-") {
		return nil
	}
	return fmt.Errorf("mesh version: want %s, got %s: leave --mesh-version out to take any", want, got)
}

// webhooks: a mesh that does not inject can still be tested at its gateways; one
// that does not validate is not ready.
func (t *taking) webhooks(ctx context.Context) error {
	_, err := wait.Until(ctx, wait.Deadline{Name: "validation webhook answers", Within: t.Budget.Programmed}, pollEvery, func(ctx context.Context) error {
		return ready.Validates(ctx, t.k.Dynamic(), t.mesh)
	})
	if err != nil {
		return err
	}
	t.findings.Injection = ready.Injects(ctx, t.k.Dynamic(), t.mesh)
	return nil
}

func (t *taking) gateways(ctx context.Context) error {
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

// others takes the gateways that suites ask for, where they are. Who needs one that
// is not there, or has other ports, is skipped and says so.
func (t *taking) others(ctx context.Context) error {
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

// service prefers a gateway of the revision's own.
func (t *taking) service(ctx context.Context, role string) (*corev1.Service, error) {
	if t.mesh.Revision != "" {
		s, err := detect.GatewayService(ctx, t.k.Typed(), role+"-"+t.mesh.Revision, t.mesh.Namespace)
		if !apierrors.IsNotFound(err) {
			return s, err
		}
	}
	return detect.GatewayService(ctx, t.k.Typed(), role, t.mesh.Namespace)
}

// reach does not wait for a load balancer: the mesh has stood here before, and
// what it has no address for by now gets none.
func (t *taking) reach(ctx context.Context, in *corev1.Service) (place detect.Place, err error) {
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

// synced asks for the proxies of the gateways only: what others' workloads do is
// said, but is not for us to wait for.
func (t *taking) synced(ctx context.Context) error {
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

func (t *taking) describe(ctx context.Context) (*mesh.Mesh, error) {
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

// proxy asks the admin interface of one of the ingress gateway's proxies.
func (t *taking) proxy(ctx context.Context, path string) ([]byte, error) {
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

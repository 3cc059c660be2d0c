package istio

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"meshgate/framework/bundle"
	"meshgate/framework/kube"
	"meshgate/framework/mesh"
	"meshgate/framework/mesh/detect"
	"meshgate/framework/progress"
	"meshgate/framework/wait"

	"golang.org/x/sync/errgroup"
	"helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const pollEvery = 100 * time.Millisecond

// work is one call of Up or Down.
type work struct {
	*Flavour
	k     *kube.Client
	helm  *helm
	phase progress.Phase
	facts []string
}

func (f *Flavour) begin(k *kube.Client, log progress.Log, verb string) (*work, error) {
	h, err := newHelm(k.REST(), f.opts.Namespace)
	if err != nil {
		return nil, err
	}
	return &work{Flavour: f, k: k, helm: h, phase: log.Begin(f.title(verb))}, nil
}

// Up installs missing releases, replaces those that are broken or have other values, and
// returns when the mesh is ready.
func (f *Flavour) Up(ctx context.Context, k *kube.Client, b *bundle.Bundle, log progress.Log) (m *mesh.Mesh, err error) {
	w, err := f.begin(k, log, "install")
	if err != nil {
		return nil, err
	}
	defer func() { w.phase.End(err) }()
	s, err := f.stock(b)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeoutCause(ctx, f.opts.Budget.MeshUp, fmt.Errorf("mesh up within %s: %w", f.opts.Budget.MeshUp, wait.ErrExpired))
	defer stop()
	return w.up(ctx, s)
}

func (w *work) up(ctx context.Context, s stock) (*mesh.Mesh, error) {
	if err := w.refuseForeign(ctx); err != nil {
		return nil, err
	}
	w.phase.Waiting("namespace " + w.opts.Namespace)
	if err := w.k.Apply(ctx, owner, namespace(w.opts.Namespace)); err != nil {
		return nil, err
	}
	if err := w.controlPlane(ctx, s); err != nil {
		return nil, err
	}
	if err := w.gateways(s); err != nil {
		return nil, err
	}
	return w.ready(ctx, s)
}

// refuseForeign refuses an istiod of the same revision in any namespace that meshgate did not
// install: both would configure the same webhooks.
func (w *work) refuseForeign(ctx context.Context) error {
	all, err := detect.ControlPlanes(ctx, w.k.Typed())
	if err != nil {
		return err
	}
	for _, cp := range all {
		if cp.Revision == w.opts.Revision && !(cp.Ours && cp.Namespace == w.opts.Namespace) {
			return fmt.Errorf("control plane %s: %w, or is in another namespace than %s: use it with --mesh existing, remove it, or install another revision with --revision", cp, kube.ErrForeign, w.opts.Namespace)
		}
	}
	return nil
}

func namespace(name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetAPIVersion("v1")
	o.SetKind("Namespace")
	o.SetName(name)
	return o
}

// controlPlane installs CRDs, base and istiod concurrently (istiod detects CRDs whenever they
// appear), and returns when istiod's webhooks answer: without them no gateway's pod would be
// admitted. The installation of a release is not interrupted when ctx ends: each takes one or
// two seconds, and a partial one would have to be undone.
func (w *work) controlPlane(ctx context.Context, s stock) error {
	w.phase.Waiting("CRDs, base and istiod of " + s.tag)
	all, err := crds(s.base)
	if err != nil {
		return err
	}
	others, err := w.istiods()
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.Go(func() error { return w.crds(ctx, all, s.tag) })
	g.Go(func() error { return w.base(s, others, names(all)) })
	g.Go(func() error {
		return w.release(istiodName(w.opts.Revision), s.istiod, istiodValues(s, w.opts), w.labels(s))
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return w.istiodAnswers(ctx, all)
}

func (w *work) crds(ctx context.Context, all []*unstructured.Unstructured, from string) error {
	foreign, err := applyCRDs(ctx, w.k, all, from)
	if err != nil {
		return err
	}
	if len(foreign) > 0 {
		w.note("CRDs that meshgate did not apply are used unchanged: %s", strings.Join(foreign, ", "))
	}
	return nil
}

func (w *work) note(format string, args ...any) {
	w.phase.Note(format, args...)
	w.facts = append(w.facts, fmt.Sprintf(format, args...))
}

// gateways installs all gateways concurrently.
func (w *work) gateways(s stock) error {
	w.phase.Waiting("gateways")
	var g errgroup.Group
	for name, spec := range gateways(w.opts) {
		g.Go(func() error {
			return w.release(name, s.gateway, gatewayValues(spec, w.opts.Revision), w.labels(s))
		})
	}
	return g.Wait()
}

// labels are the labels of the releases of this revision.
func (w *work) labels(s stock) map[string]string {
	return map[string]string{versionLabel: s.tag, revisionLabel: mesh.RevisionName(w.opts.Revision)}
}

// release installs a release with this chart and these values, unless it is already installed
// from them.
func (w *work) release(name string, fsys fs.FS, values map[string]any, labels map[string]string) error {
	digest, err := inputs(fsys, values)
	if err != nil {
		return fmt.Errorf("release %s: %w", name, err)
	}
	have, err := w.helm.find(name)
	if err != nil {
		return err
	}
	if have != nil {
		if have.Info.Status == release.StatusDeployed && have.Labels[inputsLabel] == digest {
			return nil
		}
		w.phase.Note("release %s is installed again: it is %s, incomplete or from other values", name, have.Info.Status)
		if err := w.helm.uninstall(name); err != nil {
			return err
		}
	}
	w.phase.Waiting("release " + name)
	c, err := loadChart(fsys)
	if err != nil {
		return fmt.Errorf("chart of release %s: %w", name, err)
	}
	labels[inputsLabel] = digest
	return w.helm.install(name, c, values, labels)
}

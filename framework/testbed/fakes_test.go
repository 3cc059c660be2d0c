package testbed

import (
	"context"
	"errors"
	"os"
	"testing"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster"
	"meshgate/framework/config"
	"meshgate/framework/kube"
	"meshgate/framework/kube/kubetest"
	"meshgate/framework/mesh"
	"meshgate/framework/progress"

	"github.com/stretchr/testify/require"
)

// world is the state outside of the plans of one test: a cluster that may exist, and the
// actions in order.
type world struct {
	t          *testing.T
	dir        string
	kubeconfig string
	stands     bool // whether the cluster exists
	did        []string
	breaks     string // the action that fails
	ended      bool   // a removal was called with an ended context
}

func newWorld(t *testing.T) *world {
	s := kubetest.New()
	t.Cleanup(s.Close)
	dir := t.TempDir()
	file, err := s.Kubeconfig(dir)
	require.NoError(t, err)
	return &world{t: t, dir: dir, kubeconfig: file}
}

var errBroken = errors.New("broken on purpose")

func (w *world) do(action string) error {
	w.did = append(w.did, action)
	if action == w.breaks {
		return errBroken
	}
	return nil
}

// plan is one process's plan; keep is its --keep.
func (w *world) plan(provider string, keep bool) *plan {
	cfg := config.Config{}
	cfg.Cluster.Provider, cfg.Cluster.Name, cfg.Run.Keep = provider, "m", keep
	if provider == providerExisting {
		cfg.Cluster.Kubeconfig = w.kubeconfig
	}
	f := fakeFlavour{w}
	return &plan{cfg: cfg, provider: fakeProvider{w, provider}, flavour: f, images: []string{"proxy"}, dir: w.dir,
		machine: func(context.Context, progress.Log) error { return w.do("machine") },
		fill: func(context.Context, progress.Log, ...string) (*bundle.Bundle, error) {
			return nil, w.do("bundle")
		},
		fit: func(mesh.Ground) (mesh.Flavour, error) { return f, nil },
	}
}

func (w *world) up(provider string, keep bool) *Bed {
	bed, err := w.plan(provider, keep).bed(w.t.Context(), progress.Discard())
	require.NoError(w.t, err)
	return bed
}

func (w *world) leave(b *Bed) { require.NoError(w.t, b.Leave(w.t.Context(), progress.Discard())) }

type fakeProvider struct {
	*world
	name string
}

func (p fakeProvider) Name() string { return p.name }

func (p fakeProvider) Up(context.Context, *bundle.Bundle, progress.Log) (*cluster.Cluster, error) {
	if err := p.do("cluster"); err != nil {
		return nil, err
	}
	created := !p.stands && p.name == providerKind
	p.stands = true
	return &cluster.Cluster{Name: "m", Provider: p.name, Kubeconfig: p.kubeconfig, Created: created}, nil
}

func (p fakeProvider) Load(_ context.Context, _ *cluster.Cluster, _ *bundle.Bundle, images []string, _ progress.Phase) error {
	require.Equal(p.t, []string{"proxy"}, images)
	return p.do("load")
}

func (p fakeProvider) Down(ctx context.Context, _ progress.Log) error {
	p.ended = p.ended || ctx.Err() != nil
	p.stands = false
	return p.do("cluster down")
}

func (p fakeProvider) Leftovers(context.Context) ([]string, error) { return nil, nil }

type fakeFlavour struct{ *world }

func (fakeFlavour) Name() string      { return "fake" }
func (fakeFlavour) Component() string { return "istio-9.9" }
func (fakeFlavour) Images() []string  { return []string{"proxy"} }

func (f fakeFlavour) Up(ctx context.Context, k *kube.Client, _ *bundle.Bundle, _ progress.Log) (*mesh.Mesh, error) {
	if err := f.do("mesh"); err != nil {
		return nil, err
	}
	return &mesh.Mesh{}, k.Apply(ctx, meshOwner, namespace("istio-system"))
}

func (f fakeFlavour) Down(ctx context.Context, k *kube.Client, _ progress.Log) error {
	f.ended = f.ended || ctx.Err() != nil
	if err := f.do("mesh down"); err != nil {
		return err
	}
	return k.Delete(ctx, namespace("istio-system"))
}

// files are the marks that are left, without those of the lease.
func (w *world) marks() []string {
	entries, err := os.ReadDir(w.dir)
	require.NoError(w.t, err)
	var out []string
	for _, e := range entries {
		if name := e.Name(); len(name) > 8 && name[len(name)-8:] == ".passing" {
			out = append(out, name)
		}
	}
	return out
}

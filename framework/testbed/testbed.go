// Package testbed provides what the suites run on: bundle, cluster and mesh, in that order,
// with progress for each; and removes what it created. Processes that test on the same
// cluster at the same time share it: the first creates it, the last removes it.
package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster"
	"meshgate/framework/cluster/providers"
	"meshgate/framework/config"
	"meshgate/framework/evidence"
	"meshgate/framework/kube"
	"meshgate/framework/lease"
	"meshgate/framework/mesh"
	"meshgate/framework/mesh/flavours"
	"meshgate/framework/progress"
)

// Bed is a running mesh with the cluster and bundle below it.
type Bed struct {
	Config   config.Config
	Bundle   *bundle.Bundle
	Cluster  *cluster.Cluster
	Kube     *kube.Client
	Mesh     *mesh.Mesh
	Evidence *evidence.Collector
	// Images maps the fixtures' images to those that replace them.
	Images map[string]string

	plan  *plan
	lease *lease.Lease
}

// plan is what the configuration asks for, before anything is changed.
type plan struct {
	cfg      config.Config
	provider cluster.Provider
	flavour  mesh.Flavour
	images   []string // that the nodes need
	dir      string   // of leases and marks

	// The actions of the plan, which tests replace; newPlan sets them.
	machine func(context.Context, progress.Log) error
	fill    func(context.Context, progress.Log, ...string) (*bundle.Bundle, error)
	fit     func(mesh.Ground) (mesh.Flavour, error) // the flavour once the cluster is known
}

func newPlan(cfg config.Config, gateways ...mesh.GatewaySpec) (*plan, error) {
	flavour, err := flavours.New(cfg, mesh.Ground{}, gateways...)
	if err != nil {
		return nil, err
	}
	wanted, err := inNodes(flavour)
	if err != nil {
		return nil, err
	}
	provider, err := providers.New(cfg, wanted...)
	if err != nil {
		return nil, err
	}
	dir, err := cluster.Dir()
	if err != nil {
		return nil, err
	}
	return &plan{cfg: cfg, provider: provider, flavour: flavour, images: wanted, dir: dir,
		machine: func(ctx context.Context, log progress.Log) error { return machine(ctx, cfg.Cluster, log) },
		fill: func(ctx context.Context, log progress.Log, components ...string) (*bundle.Bundle, error) {
			return ResolveBundle(ctx, cfg.Bundle, log, components...)
		},
		fit: func(g mesh.Ground) (mesh.Flavour, error) { return flavours.New(cfg, g, gateways...) },
	}, nil
}

// Up creates what is missing and registers this process as a user; Leave ends the use. When
// Up fails, it removes what it created itself, unless Keep is set. The mesh gets the gateways
// in addition to its own, if its flavour installs any.
func Up(ctx context.Context, cfg config.Config, log progress.Log, gateways ...mesh.GatewaySpec) (*Bed, error) {
	p, err := newPlan(cfg, gateways...)
	if err != nil {
		return nil, err
	}
	return p.bed(ctx, log)
}

func (p *plan) bed(ctx context.Context, log progress.Log) (bed *Bed, err error) {
	bed = &Bed{Config: p.cfg, plan: p, Images: images(p.cfg.Apps)}
	bed.lease, err = lease.Acquire(ctx, p.dir, p.leaseName(), func(ctx context.Context, first bool) error {
		err := bed.up(ctx, log)
		if err == nil {
			return nil
		}
		bed.close()
		if !first {
			return err // other processes use it; the last of them removes it
		}
		return errors.Join(err, p.undo(ctx, log))
	})
	if err != nil {
		return nil, err
	}
	return bed, nil
}

func (b *Bed) up(ctx context.Context, log progress.Log) (err error) {
	if err := b.plan.reachable(ctx); err != nil {
		return err
	}
	if err := b.plan.machine(ctx, log); err != nil {
		return err
	}
	if b.Bundle, err = b.plan.bundle(ctx, log); err != nil {
		return err
	}
	if b.Cluster, err = b.plan.provider.Up(ctx, b.Bundle, log); err != nil {
		return err
	}
	if b.Cluster.Created {
		if err := b.plan.mark(); err != nil {
			return err
		}
	}
	if b.Kube, err = kube.Connect(b.Cluster.Kubeconfig, b.Cluster.Context); err != nil {
		return err
	}
	if err := b.load(ctx, log); err != nil {
		return err
	}
	if err := b.markMesh(ctx); err != nil {
		return err
	}
	return b.meshUp(ctx, log)
}

// reachable asks an existing cluster for its version before anything that takes long: a wrong
// context must not be reported after a build of a quarter of an hour.
func (p *plan) reachable(ctx context.Context) error {
	if p.cfg.Cluster.Provider != providerExisting {
		return nil
	}
	k, err := kube.Connect(p.cfg.Cluster.Kubeconfig, p.cfg.Cluster.Context)
	if err == nil {
		_, err = k.Version(ctx)
	}
	return err
}

// markMesh notes, on a cluster that outlives the run, that this run installs the mesh: there
// is no mesh of meshgate yet.
func (b *Bed) markMesh(ctx context.Context) error {
	if b.Config.Cluster.Provider != providerExisting {
		return nil // it is removed with the cluster
	}
	ours, err := b.Kube.Owned(ctx, meshOwner)
	if err != nil || len(ours) > 0 {
		return err
	}
	return b.plan.mark()
}

const (
	meshOwner    kube.Owner = "mesh"    // owns the objects of a flavour
	clusterOwner kube.Owner = "cluster" // owns the objects of a provider
)

// load loads the images of the mesh and the applications into the nodes, unless the provider
// has already done so.
func (b *Bed) load(ctx context.Context, log progress.Log) error {
	if b.Config.Cluster.Provider == providerExisting {
		return nil // the nodes pull the images themselves
	}
	phase := log.Begin("images")
	err := b.plan.provider.Load(ctx, b.Cluster, b.Bundle, b.plan.images, phase)
	phase.End(err)
	return err
}

func (b *Bed) meshUp(ctx context.Context, log progress.Log) error {
	flavour, err := b.plan.fit(mesh.Ground{NetworkPolicy: b.Cluster.NetworkPolicy, LoadBalancer: b.Cluster.LoadBalancer})
	if err != nil {
		return err
	}
	b.Mesh, err = flavour.Up(ctx, b.Kube, b.Bundle, log)
	return err
}

// Leave ends the use of the bed. The last user removes what some run created for itself; what
// existed before or was kept stays. A Bed that Up did not return belongs to its creator, and
// Leave only closes it.
func (b *Bed) Leave(ctx context.Context, log progress.Log) error {
	b.close()
	if b.lease == nil {
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), teardownLimit)
	defer stop()
	if b.Config.Run.Keep {
		return errors.Join(b.plan.unmark(), b.lease.Release(ctx, nil))
	}
	return b.lease.Release(ctx, func(ctx context.Context) error { return b.plan.undo(ctx, log) })
}

func (b *Bed) close() {
	if b.Bundle != nil {
		b.Bundle.Close()
	}
}

// Down removes the cluster and mesh of this configuration if meshgate created them. It
// refuses while another process uses them.
func Down(ctx context.Context, cfg config.Config, log progress.Log) error {
	p, err := newPlan(cfg)
	if err != nil {
		return err
	}
	return lease.Alone(ctx, p.dir, p.leaseName(), func(ctx context.Context) error {
		if err := p.reachable(ctx); err != nil {
			return err
		}
		return p.down(ctx, log)
	})
}

// Leftovers names what still exists of meshgate, with the command that removes it.
func Leftovers(ctx context.Context, cfg config.Config) ([]string, error) {
	p, err := newPlan(cfg)
	if err != nil {
		return nil, err
	}
	return p.provider.Leftovers(ctx)
}

// teardownLimit bounds the removal of everything, which also runs after an interruption.
const teardownLimit = 3 * time.Minute

// undo removes what a run created for itself, if the mark says that one did.
func (p *plan) undo(ctx context.Context, log progress.Log) error {
	if p.cfg.Run.Keep || !p.marked() {
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), teardownLimit)
	defer stop()
	return p.down(ctx, log)
}

func (p *plan) down(ctx context.Context, log progress.Log) error {
	if err := p.cleared(ctx, log); err != nil {
		return err
	}
	if err := p.provider.Down(ctx, log); err != nil {
		return fmt.Errorf("%w: remove the rest with `meshgate down`", err)
	}
	return p.unmark()
}

// cleared removes meshgate's objects from a cluster that outlives the run: those of killed
// runs, and then the mesh.
func (p *plan) cleared(ctx context.Context, log progress.Log) error {
	if p.cfg.Cluster.Provider != providerExisting {
		return nil // it is removed with the cluster
	}
	k, err := kube.Connect(p.cfg.Cluster.Kubeconfig, p.cfg.Cluster.Context)
	if err != nil {
		return err
	}
	if err := sweep(ctx, k, log); err != nil {
		return err
	}
	return p.flavour.Down(ctx, k, log)
}

// The mark says that the cluster (or, on an existing one, the mesh) was made by a
// run for itself. It is a file, because the run that removes it may be another one.
func (p *plan) markFile() string { return filepath.Join(p.dir, p.leaseName()+".passing") }

func (p *plan) mark() error {
	if p.cfg.Run.Keep {
		return nil
	}
	if err := os.WriteFile(p.markFile(), nil, 0o644); err != nil {
		return fmt.Errorf("write the mark that the cluster is to be removed: %w", err)
	}
	return nil
}

func (p *plan) marked() bool {
	_, err := os.Stat(p.markFile())
	return err == nil
}

func (p *plan) unmark() error {
	if err := os.Remove(p.markFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the mark that the cluster is to be removed: %w", err)
	}
	return nil
}

func (p *plan) leaseName() string {
	if p.cfg.Cluster.Provider == providerExisting {
		return "existing-" + digest(p.cfg.Cluster.Kubeconfig+"\n"+p.cfg.Cluster.Context)
	}
	return p.cfg.Cluster.Name
}

package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/lease"
	"meshgate/framework/machine"
	"meshgate/framework/progress"
)

// work is one call of Up, with its inputs and its progress.
type work struct {
	o      Options
	names  names
	bundle *bundle.Bundle
	parts  parts
	engine *engine.Engine
	host   machine.Facts
	phase  progress.Phase
}

// Up implements cluster.Provider. Two processes do not interfere: the second waits and then
// uses the cluster that the first has created.
func (p *Provider) Up(ctx context.Context, b *bundle.Bundle, log progress.Log) (*cluster.Cluster, error) {
	phase := log.Begin("cluster " + p.names.cluster)
	c, err := p.up(ctx, b, phase)
	phase.End(err)
	return c, err
}

func (p *Provider) up(ctx context.Context, b *bundle.Bundle, phase progress.Phase) (*cluster.Cluster, error) {
	parts, err := partsOf(b)
	if err != nil {
		return nil, err
	}
	phase.Waiting("other processes that use " + p.names.cluster)
	unlock, err := p.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	h, err := machine.Inspect()
	if err != nil {
		return nil, err
	}
	phase.Waiting("container engine")
	e, err := engine.Detect(ctx, p.o.Runner, p.o.Engine)
	if err != nil {
		return nil, err
	}
	w := work{o: p.o, names: p.names, bundle: b, parts: parts, engine: e, host: h, phase: phase}
	if c, err := w.take(ctx); c != nil || err != nil {
		return c, err
	}
	return w.make(ctx)
}

// lock keeps other processes from changing this cluster.
func (p *Provider) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(p.o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("folder of the clusters: %w", err)
	}
	return lease.Lock(ctx, p.names.lock())
}

// take returns the existing cluster if it works and is the wanted one; nil means that there
// is none any more.
func (w work) take(ctx context.Context) (*cluster.Cluster, error) {
	nodes, err := ourNodes(ctx, w.engine, w.names)
	if err != nil || len(nodes) == 0 {
		return nil, err
	}
	w.phase.Waiting("the check of the existing cluster")
	c, dead := w.prove(ctx, nodes)
	if dead == nil {
		w.phase.Note("using the existing cluster %s, Kubernetes %s", c.Name, c.KubernetesVersion)
		return c, nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("cluster %s: %w", w.names.cluster, context.Cause(ctx))
	}
	if users, err := lease.Others(w.o.Dir, w.names.cluster); err != nil || len(users) > 0 {
		return nil, errors.Join(err, fmt.Errorf("cluster %s cannot be used (%w), and it is %w by process %s: end that process first", w.names.cluster, dead, lease.ErrInUse, strings.Join(users, ", ")))
	}
	w.phase.Note("replacing the existing cluster %s: %s", w.names.cluster, dead)
	return nil, removeNodes(ctx, w.engine, w.names)
}

// make creates the cluster. When it fails, it removes everything that it has created.
func (w work) make(ctx context.Context) (*cluster.Cluster, error) {
	if err := w.preflight(); err != nil {
		return nil, err
	}
	base, err := ensureNodeImage(ctx, w.engine, w.bundle, w.parts.node, w.phase)
	if err != nil {
		return nil, err
	}
	tag, err := w.baked(ctx, base)
	if err != nil {
		return nil, err
	}
	p := plan{names: w.names, nodes: w.o.Nodes, image: tag, calico: len(w.parts.calico) > 0, engine: w.engine, host: w.host}
	c, err := w.build(ctx, p)
	if err == nil {
		return c, nil
	}
	clean, stop := context.WithTimeout(context.WithoutCancel(ctx), removalLimit)
	defer stop()
	if rerr := removeAll(clean, w.engine, w.names); rerr != nil {
		return nil, errors.Join(err, fmt.Errorf("its removal failed too: %w", rerr))
	}
	return nil, err
}

// writeFiles writes kubeadm's patches to the folder that the nodes mount, and removes the
// files of a killed process: kind refuses a kubeconfig with an old lock.
func (n names) writeFiles() error {
	if err := os.RemoveAll(n.dir); err != nil {
		return fmt.Errorf("files of cluster %s: %w", n.cluster, err)
	}
	if err := os.MkdirAll(n.patches(), 0o755); err != nil {
		return fmt.Errorf("files of cluster %s: %w", n.cluster, err)
	}
	for file, content := range patches() {
		if err := os.WriteFile(n.patches()+"/"+file, []byte(content), 0o644); err != nil {
			return fmt.Errorf("files of cluster %s: %w", n.cluster, err)
		}
	}
	return nil
}

package kind

import (
	"context"
	"errors"
	"fmt"
	"os"

	"meshgate/framework/cluster"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/progress"
)

// Down implements cluster.Provider. Without an engine there is nothing to remove but files.
func (p *Provider) Down(ctx context.Context, log progress.Log) error {
	phase := log.Begin("remove cluster " + p.names.cluster)
	err := p.down(ctx, phase)
	phase.End(err)
	return err
}

func (p *Provider) down(ctx context.Context, phase progress.Phase) error {
	unlock, err := p.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	e, err := engine.Detect(ctx, p.o.Runner, p.o.Engine)
	var unusable *engine.UnusableError
	if errors.As(err, &unusable) && unusable.Cause() == engine.Absent {
		return p.names.forget()
	}
	if err != nil {
		return err
	}
	phase.Waiting("nodes and network of " + p.names.cluster)
	return removeAll(ctx, e, p.names)
}

// removeAll removes the nodes, volumes, network and files of a cluster.
func removeAll(ctx context.Context, e *engine.Engine, n names) error {
	if err := removeNodes(ctx, e, n); err != nil {
		return err
	}
	if err := removeNetwork(ctx, e, n); err != nil {
		return err
	}
	return n.forget()
}

// forget removes the cluster's files.
func (n names) forget() error {
	if err := os.RemoveAll(n.dir); err != nil {
		return fmt.Errorf("files of cluster %s: %w", n.cluster, err)
	}
	return nil
}

// Leftovers implements cluster.Provider.
func (p *Provider) Leftovers(ctx context.Context) ([]string, error) {
	e, err := engine.Detect(ctx, p.o.Runner, p.o.Engine)
	var unusable *engine.UnusableError
	if errors.As(err, &unusable) && unusable.Cause() == engine.Absent {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var left []string
	nodes, err := ourNodes(ctx, e, p.names)
	for _, n := range nodes {
		left = append(left, fmt.Sprintf("container %s: %s rm --force --volumes %s", n.Name, e.Kind, n.Name))
		for _, v := range n.volumes() {
			left = append(left, fmt.Sprintf("volume %s: %s volume rm %s", v, e.Kind, v))
		}
	}
	net, nerr := findNetwork(ctx, e, p.names)
	if net != nil {
		left = append(left, fmt.Sprintf("network %s: %s network rm %s", net.Name, e.Kind, net.Name))
	}
	if _, serr := os.Stat(p.names.dir); serr == nil {
		left = append(left, fmt.Sprintf("folder %s: rm -r %s", p.names.dir, p.names.dir))
	}
	return left, errors.Join(err, nerr)
}

var _ cluster.Purger = (*Provider)(nil)

// Purge implements cluster.Purger: it removes the node images that engines keep as a cache
// for the next run. The engine refuses to remove an image that a cluster still uses, so that
// one stays, and the error says so.
func (p *Provider) Purge(ctx context.Context, log progress.Log) error {
	phase := log.Begin("remove node images")
	err := p.purge(ctx)
	phase.End(err)
	return err
}

func (p *Provider) purge(ctx context.Context) error {
	e, err := engine.Detect(ctx, p.o.Runner, p.o.Engine)
	var unusable *engine.UnusableError
	if errors.As(err, &unusable) && unusable.Cause() == engine.Absent {
		return nil
	}
	if err != nil {
		return err
	}
	images, err := nodeImages(ctx, e)
	if err != nil || len(images) == 0 {
		return err
	}
	if _, err := e.Run(ctx, append([]string{"rmi"}, images...)...); err != nil {
		return fmt.Errorf("remove node images: %w", err)
	}
	return nil
}

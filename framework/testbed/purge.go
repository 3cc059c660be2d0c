package testbed

import (
	"context"

	"meshgate/framework/cluster"
	"meshgate/framework/config"
	"meshgate/framework/progress"
)

// Purge removes what the provider keeps on this machine between clusters: node images
// in the container engine. Providers that keep nothing have nothing to remove.
func Purge(ctx context.Context, cfg config.Config, log progress.Log) error {
	p, err := newPlan(cfg)
	if err != nil {
		return err
	}
	return p.purge(ctx, log)
}

func (p *plan) purge(ctx context.Context, log progress.Log) error {
	if keeper, ok := p.provider.(cluster.Purger); ok {
		return keeper.Purge(ctx, log)
	}
	return nil
}

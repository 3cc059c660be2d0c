package testbed

import (
	"context"
	"slices"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/config"
	"meshgate/framework/mesh"
	"meshgate/framework/mesh/flavours"
	"meshgate/framework/progress"
	"meshgate/framework/supplier"
)

// machine checks the container engine before anything that takes long: a build of a quarter
// of an hour must not end with "no engine".
func machine(ctx context.Context, cfg config.Cluster, log progress.Log) error {
	if cfg.Provider != providerKind {
		return nil
	}
	phase := log.Begin("machine")
	err := supplier.Find().EnsureEngine(ctx, engine.Commands{}, engine.Kind(cfg.Engine), cfg.InstallEngine, phase)
	phase.End(err)
	return err
}

// BundleDir is the folder of a configuration's bundle.
func BundleDir(cfg config.Bundle) (string, error) {
	if cfg.Dir != "" {
		return cfg.Dir, nil
	}
	return bundle.DefaultDir()
}

// Cached reports whether the bundle has something of every component that a run with this
// configuration needs.
func Cached(cfg config.Config) bool {
	flavour, err := flavours.New(cfg, mesh.Ground{})
	if err != nil {
		return false
	}
	b, err := bundle.Open(cfg.Bundle.Dir)
	if err != nil {
		return false
	}
	defer b.Close()
	p := plan{cfg: cfg, flavour: flavour}
	return !slices.ContainsFunc(p.components(), func(c string) bool {
		_, spared := b.Spared(c)
		return len(b.Entries(c)) == 0 && !spared
	})
}

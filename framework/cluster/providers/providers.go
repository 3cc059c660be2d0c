// Package providers is the table of where clusters come from.
package providers

import (
	"fmt"
	"maps"
	"slices"

	"meshgate/framework/cluster"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/cluster/existing"
	"meshgate/framework/cluster/kind"
	"meshgate/framework/config"
)

// table holds every provider by the name that the configuration gives it.
func table() map[string]func(config.Config, []string) (cluster.Provider, error) {
	return map[string]func(config.Config, []string) (cluster.Provider, error){
		kind.ProviderName:     newKind,
		existing.ProviderName: newExisting,
	}
}

// New returns the provider that the configuration names. preload are images of
// the bundle that will be needed right after Up, such as the mesh's; a provider
// that can brings them in while the cluster is made.
func New(cfg config.Config, preload ...string) (cluster.Provider, error) {
	known := table()
	make, ok := known[cfg.Cluster.Provider]
	if !ok {
		return nil, fmt.Errorf("cluster provider: want one of %v, got %q", slices.Sorted(maps.Keys(known)), cfg.Cluster.Provider)
	}
	return make(cfg, preload)
}

func newKind(cfg config.Config, preload []string) (cluster.Provider, error) {
	p, err := kind.New(kind.Options{
		Name: cfg.Cluster.Name, Nodes: cfg.Cluster.Nodes, Engine: engine.Kind(cfg.Cluster.Engine),
		InstallEngine: cfg.Cluster.InstallEngine, Budget: cfg.Budget, Preload: preload,
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func newExisting(cfg config.Config, _ []string) (cluster.Provider, error) {
	return existing.New(existing.Options{
		Kubeconfig: cfg.Cluster.Kubeconfig, Context: cfg.Cluster.Context, Image: cluster.AgentImage, Budget: cfg.Budget,
	}), nil
}

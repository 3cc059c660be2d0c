// Package providers is the table of all cluster providers.
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

// table has every provider by its name in the configuration.
func table() map[string]func(config.Config, []string) (cluster.Provider, error) {
	return map[string]func(config.Config, []string) (cluster.Provider, error){
		kind.ProviderName:     newKind,
		existing.ProviderName: newExisting,
	}
}

// New returns the configured provider. preload are images of the bundle that are needed right
// after Up, such as the mesh's; a provider that can do so imports them during the creation of
// the cluster.
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
		Budget: cfg.Budget, Preload: preload,
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

// Package flavours is the table of all mesh flavours.
package flavours

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"meshgate/framework/config"
	"meshgate/framework/mesh"
	"meshgate/framework/mesh/existing"
	"meshgate/framework/mesh/istio"
)

// maker returns a flavour for a configuration and the abilities of the cluster.
type maker func(config.Config, mesh.Ground, []mesh.GatewaySpec) (mesh.Flavour, error)

// table lists every flavour under its name in the configuration.
func table() map[string]maker {
	return map[string]maker{
		"istio":    newIstio,
		"existing": newExisting,
	}
}

// Names lists the flavours in alphabetical order.
func Names() []string { return slices.Sorted(maps.Keys(table())) }

// New returns the configured flavour; gateways are those that suites need in addition to the
// shared ones. Only Up uses ground: a caller that needs Component or Images before there is a
// cluster passes mesh.Ground{} and calls New again later.
func New(cfg config.Config, ground mesh.Ground, gateways ...mesh.GatewaySpec) (mesh.Flavour, error) {
	make, ok := table()[cfg.Mesh.Flavour]
	if !ok {
		return nil, fmt.Errorf("mesh flavour: want one of %s, got %q", strings.Join(Names(), ", "), cfg.Mesh.Flavour)
	}
	return make(cfg, ground, gateways)
}

func newIstio(cfg config.Config, ground mesh.Ground, gateways []mesh.GatewaySpec) (mesh.Flavour, error) {
	return istio.New(istio.Options{
		Version:   cfg.Mesh.Version,
		Revision:  cfg.Mesh.Revision,
		Namespace: cfg.Names.ControlPlaneNamespace,
		Values:    cfg.Mesh.Values,
		Gateways:  gateways,
		Budget:    cfg.Budget,
		Ground:    ground,
	})
}

func newExisting(cfg config.Config, ground mesh.Ground, gateways []mesh.GatewaySpec) (mesh.Flavour, error) {
	return existing.New(existing.Options{
		Namespace: cfg.Names.ControlPlaneNamespace,
		Revision:  cfg.Mesh.Revision,
		Version:   cfg.Mesh.Version,
		Gateways:  gateways,
		Budget:    cfg.Budget,
		Ground:    ground,
	}), nil
}

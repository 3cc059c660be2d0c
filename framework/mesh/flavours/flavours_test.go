package flavours_test

import (
	"testing"

	"meshgate/framework/config"
	"meshgate/framework/mesh"
	"meshgate/framework/mesh/flavours"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func configured(flavour string) config.Config {
	cfg := config.Config{}
	cfg.Mesh.Flavour, cfg.Mesh.Version = flavour, "1.31"
	cfg.Names.ControlPlaneNamespace = "istio-system"
	return cfg
}

func TestEveryFlavourHasItsNameInTheTable(t *testing.T) {
	assert.Equal(t, []string{"existing", "istio"}, flavours.Names())
	for _, name := range flavours.Names() {
		f, err := flavours.New(configured(name), mesh.Ground{})
		require.NoError(t, err)
		assert.Equal(t, name, f.Name())
	}
}

func TestNewErrorListsTheFlavours(t *testing.T) {
	_, err := flavours.New(configured("linkerd"), mesh.Ground{})
	assert.EqualError(t, err, `mesh flavour: want one of existing, istio, got "linkerd"`)
}

func TestComponentFollowsFromTheVersion(t *testing.T) {
	cfg := configured("istio")
	cfg.Mesh.Version = "1.22"
	f, err := flavours.New(cfg, mesh.Ground{})
	require.NoError(t, err)
	assert.Equal(t, "istio-1.22", f.Component())
	cfg.Mesh.Version = "0.1"
	_, err = flavours.New(cfg, mesh.Ground{})
	assert.ErrorContains(t, err, "0.1")
}

package providers

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/config"
)

func TestNew(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for name := range table() {
		cfg := config.Config{Cluster: config.Cluster{Provider: name, Name: "m", Nodes: 1}}
		p, err := New(cfg)
		require.NoError(t, err)
		assert.Equal(t, name, p.Name())
	}
	_, err := New(config.Config{Cluster: config.Cluster{Provider: "cloud"}})
	require.ErrorContains(t, err, `want one of [existing kind], got "cloud"`)
	_, err = New(config.Config{Cluster: config.Cluster{Provider: "kind", Name: "Bad Name", Nodes: 1}})
	require.ErrorContains(t, err, "cluster name")
}

package testbed

import (
	"context"
	"testing"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster"
	"meshgate/framework/config"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/mesh/flavours"
	"meshgate/framework/progress"

	"meshgate/fixtures"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func planOf(t *testing.T, provider, flavour string) *plan {
	t.Helper()
	cfg := config.Config{}
	cfg.Cluster.Provider, cfg.Mesh.Flavour, cfg.Mesh.Version = provider, flavour, "1.31"
	cfg.Names.ControlPlaneNamespace = "istio-system"
	f, err := flavours.New(cfg, mesh.Ground{})
	require.NoError(t, err)
	return &plan{cfg: cfg, flavour: f}
}

func TestBundleHasExactlyTheNeededComponents(t *testing.T) {
	assert.Equal(t, []string{"node", "calico", "metallb", "istio-1.31", "mongodb", "apps"}, planOf(t, providerKind, "istio").components())
	assert.Equal(t, []string{"node", "calico", "metallb", "mongodb", "apps"}, planOf(t, providerKind, "existing").components())
	assert.Equal(t, []string{"istio-1.31"}, planOf(t, providerExisting, "istio").components())
	assert.Empty(t, planOf(t, providerExisting, "existing").components())
	for _, provider := range []string{providerKind, providerExisting} {
		for _, name := range planOf(t, provider, "istio").components() {
			_, err := bundle.Find(name)
			assert.NoError(t, err)
		}
	}
}

func TestPlanWithoutComponentsOpensNoBundle(t *testing.T) {
	p := planOf(t, providerExisting, "existing")
	p.fill = func(context.Context, progress.Log, ...string) (*bundle.Bundle, error) {
		assert.Fail(t, "no names would have meant everything there is")
		return nil, nil
	}
	b, err := p.bundle(t.Context(), progress.Discard())
	require.NoError(t, err)
	assert.Nil(t, b)
	assert.Empty(t, (&Bed{Cluster: &cluster.Cluster{}, Mesh: &mesh.Mesh{}}).Facts().Bundle.Entries)
}

func TestNodesGetTheImagesOfMeshAndApplications(t *testing.T) {
	p := planOf(t, providerKind, "istio")
	got, err := inNodes(p.flavour)
	require.NoError(t, err)
	assert.Subset(t, got, p.flavour.Images())
	assert.Contains(t, got, cluster.AgentImage)
	assert.Greater(t, len(got), len(p.flavour.Images())+1)
}

func TestUpstreamImagesReplaceTheProjectsOwn(t *testing.T) {
	assert.Empty(t, images(config.Apps{Images: appsOurs}))
	upstream := images(config.Apps{Images: "upstream"})
	assert.Equal(t, "docker.io/istio/examples-bookinfo-productpage-v1:1.20.3", upstream["docker.io/meshgate/productpage:dev"])
	assert.Equal(t, "docker.io/istio/examples-bookinfo-reviews-v3:1.20.3", upstream["docker.io/meshgate/reviews-v3:dev"])
	set, err := manifest.Load(fixtures.FS, "bookinfo/*.yaml")
	require.NoError(t, err)
	for _, o := range set.Objects() {
		if o.GetKind() != "Deployment" || o.GetName() == "ratings-v2" {
			continue
		}
		edited, err := manifest.NewSet(o).With(manifest.Images(upstream))
		if assert.NoError(t, err, "%s: its image has no upstream build in the table", o.GetName()) {
			assert.Contains(t, string(edited.YAML()), "docker.io/istio/examples-bookinfo-")
		}
	}
}

func TestBundleDirFollowsTheConfiguration(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/cache")
	dir, err := BundleDir(config.Bundle{Dir: "/mine"})
	require.NoError(t, err)
	assert.Equal(t, "/mine", dir)
	dir, err = BundleDir(config.Bundle{})
	require.NoError(t, err)
	assert.Equal(t, "/cache/meshgate/bundle", dir)
}

func TestAnEmptyBundleIsNotCached(t *testing.T) {
	cfg := planOf(t, providerKind, "istio").cfg
	cfg.Bundle.Dir = t.TempDir()
	assert.False(t, Cached(cfg))
}

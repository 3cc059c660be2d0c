package existing

import (
	"testing"

	"meshgate/framework/mesh/detect"
	"meshgate/framework/progress"

	"github.com/stretchr/testify/assert"
)

func TestVersionsAreComparedPartByPart(t *testing.T) {
	for _, ok := range [][2]string{{"1.24.3", ""}, {"1.24.3", "1.24"}, {"1.24.3", "1.24.3"}, {"1.24-dev-0123-Clean", "1.24"}, {"", ""}} {
		assert.NoError(t, matches(ok[0], ok[1]), ok)
	}
	assert.EqualError(t, matches("1.24.3", "1.2"), "mesh version: want 1.2, got 1.24.3: leave out --mesh-version to accept any")
	assert.Error(t, matches("1.24", "1.24.3"))
}

func TestUpDescribesTheExistingMesh(t *testing.T) {
	cp := detect.ControlPlane{Namespace: "mesh", Name: "istiod-1-22", Revision: "1-22", Version: "1.22.0"}
	m := meshOf(cp, Options{Namespace: "istio-system"})
	assert.True(t, m.Taken)
	assert.Equal(t, "mesh", m.Namespace)
	assert.Equal(t, map[string]string{"istio.io/rev": "1-22"}, m.MemberLabels)
	assert.Equal(t, []string{"the control plane is in namespace mesh, not in control_plane_namespace=istio-system"}, m.Facts)
	assert.Empty(t, meshOf(cp, Options{Namespace: "mesh"}).Facts)
}

func TestExistingNeedsNoBundleAndRemovesNothing(t *testing.T) {
	f := New(Options{})
	assert.Equal(t, "existing", f.Name())
	assert.Empty(t, f.Component())
	assert.Empty(t, f.Images())
	assert.NoError(t, f.Down(t.Context(), nil, progress.Discard()), "without a client it cannot touch anything")
}

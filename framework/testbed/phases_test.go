package testbed

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"meshgate/framework/cluster"
	"meshgate/framework/mesh"
	"meshgate/framework/progress"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPhasesAreLoggedAndRecorded(t *testing.T) {
	var told bytes.Buffer
	p := Record(progress.Plain(&told))
	cluster := p.Begin("cluster")
	mesh := p.Begin("mesh")
	cluster.Note("%d nodes", 2)
	mesh.End(errors.New("no webhook"))
	assert.Zero(t, p.List()[0].Took, "it is still under way")
	cluster.End(nil)
	list := p.List()
	require.Len(t, list, 2, "in the order in which they began")
	assert.Equal(t, "cluster", list[0].Name)
	assert.Equal(t, []string{"2 nodes"}, list[0].Notes)
	assert.Empty(t, list[0].Error)
	assert.Positive(t, list[0].Took)
	assert.Equal(t, "no webhook", list[1].Error)
	assert.False(t, list[1].Started.IsZero())
	for _, word := range []string{"cluster", "2 nodes", "no webhook"} {
		assert.Contains(t, told.String(), word)
	}
}

func TestFactsNameEveryCapabilityWithTheReasonForItsAbsence(t *testing.T) {
	bed := &Bed{
		Cluster: &cluster.Cluster{Name: "m", Provider: "kind", KubernetesVersion: "v1.36.3", Created: true, Facts: []string{"no IPv6"}},
		Mesh: &mesh.Mesh{Flavour: "istio", Version: "1.31.1", Namespace: "istio-system",
			Capabilities: map[mesh.Capability]error{mesh.TCPRouting: nil, mesh.Tracing: errors.New("no backend")}},
	}
	f := bed.Facts()
	assert.Equal(t, "v1.36.3", f.Cluster.Kubernetes)
	assert.Equal(t, []string{"no IPv6"}, f.Cluster.Adaptations)
	require.Len(t, f.Capabilities, len(mesh.Known()))
	for _, c := range f.Capabilities {
		switch mesh.Capability(c.Name) {
		case mesh.TCPRouting:
			assert.True(t, c.Present)
		case mesh.Tracing:
			assert.Equal(t, "capability Tracing: no backend", c.Reason)
		default:
			assert.False(t, c.Present)
			assert.True(t, strings.Contains(c.Reason, "does not say"), c.Reason)
		}
	}
}

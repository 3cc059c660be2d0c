package disturb

import (
	"context"
	"testing"

	"meshgate/framework/cluster"
	"meshgate/framework/kube"
	"meshgate/framework/progress"
	"meshgate/framework/testbed"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewErrorListsTheKinds(t *testing.T) {
	_, err := New("earthquake")
	assert.EqualError(t, err, `want one of busy, pods, istiod, apiserver, got "earthquake"`)
}

func TestStartRefusesAForeignCluster(t *testing.T) {
	for _, name := range []string{"pods", "istiod", "apiserver"} {
		d, err := New(name)
		require.NoError(t, err)
		_, err = d.Start(t.Context(), &testbed.Bed{Cluster: &cluster.Cluster{Provider: "existing"}}, progress.Discard())
		assert.ErrorIs(t, err, kube.ErrForeign, name)
	}
}

func TestStopWaitsUntilTheDisturbanceHasEnded(t *testing.T) {
	for _, name := range []string{"", "busy"} {
		d, err := New(name)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		stop, err := d.Start(ctx, &testbed.Bed{Cluster: &cluster.Cluster{Provider: "kind"}}, progress.Discard())
		require.NoError(t, err)
		stop() // returns only when it has ended
		cancel()
	}
}

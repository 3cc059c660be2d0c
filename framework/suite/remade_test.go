package suite

import (
	"context"
	"errors"
	"testing"
	"time"

	"meshgate/framework/config"
	"meshgate/framework/kube"
	"meshgate/framework/mesh"
	"meshgate/framework/testbed"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// busy is a control plane that cannot say at first what it has forgotten.
type busy struct {
	refuses int
	asked   []string // whose removal
	pushed  int      // how often the proxies were waited for
}

func (b *busy) Known(_ context.Context, _ time.Duration, w mesh.Wanted) (mesh.Mark, error) {
	for _, o := range w.Deleted {
		b.asked = append(b.asked, o.GetName())
	}
	if b.refuses--; b.refuses >= 0 {
		return mesh.Mark{}, errors.New("istiod is away")
	}
	return mesh.Mark{}, nil
}

func (b *busy) AwaitPushed(context.Context, time.Duration, mesh.Mark, func(mesh.ProxyStatus) bool) error {
	b.pushed++
	return nil
}
func (b *busy) Close() {}

func gateway(name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetAPIVersion("networking.istio.io/v1")
	o.SetKind("Gateway")
	o.SetNamespace("ns")
	o.SetName(name)
	return o
}

func TestWhatIsMadeAgainWaitsUntilItsRemovalWasSeen(t *testing.T) {
	istiod := &busy{refuses: 2}
	s := &suiteRun{console: istiod, bed: &testbed.Bed{Config: config.Config{}, Mesh: &mesh.Mesh{}}, shared: &Env{}, removed: map[string]*mesh.Mark{}}
	again := []*unstructured.Unstructured{gateway("again")}

	require.ErrorContains(t, s.gone(t.Context(), append(again, gateway("other"))), "istiod is away")
	require.ErrorContains(t, s.remade(t.Context(), again), "istiod is away", "made again although its removal was not seen")
	assert.Zero(t, istiod.pushed)

	require.NoError(t, s.remade(t.Context(), again))
	assert.Equal(t, []string{"again", "other", "again", "again"}, istiod.asked)
	assert.Equal(t, 1, istiod.pushed)
	require.NoError(t, s.remade(t.Context(), again))
	assert.Equal(t, 1, istiod.pushed, "it was waited for twice")
	assert.Contains(t, s.removed, kube.Name(gateway("other")), "what is still unseen was forgotten")
}

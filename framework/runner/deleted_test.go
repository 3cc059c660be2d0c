package runner

import (
	"context"
	"errors"
	"testing"
	"time"

	"meshgate/framework/config"
	"meshgate/framework/kube"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/suite"
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
	s := &suiteRun{console: istiod, bed: &testbed.Bed{Config: config.Config{}, Mesh: &mesh.Mesh{}}, shared: &environment{}, deleted: map[string]*mesh.Mark{}}
	again := []*unstructured.Unstructured{gateway("again")}

	require.ErrorContains(t, s.noteDeleted(t.Context(), append(again, gateway("other"))), "istiod is away")
	require.ErrorContains(t, s.awaitDeleted(t.Context(), again), "istiod is away", "made again although its removal was not seen")
	assert.Zero(t, istiod.pushed)

	require.NoError(t, s.awaitDeleted(t.Context(), again))
	assert.Equal(t, []string{"again", "other", "again", "again"}, istiod.asked)
	assert.Equal(t, 1, istiod.pushed)
	require.NoError(t, s.awaitDeleted(t.Context(), again))
	assert.Equal(t, 1, istiod.pushed, "it was waited for twice")
	assert.Contains(t, s.deleted, kube.Name(gateway("other")), "what is still unseen was forgotten")
}

// recorder records which objects were waited for.
type recorder struct {
	nobody
	awaited []string
}

func (f *recorder) awaitDeleted(_ context.Context, objs []*unstructured.Unstructured) error {
	for _, o := range objs {
		f.awaited = append(f.awaited, o.GetName())
	}
	return errors.New("enough")
}

func TestAWithheldObjectIsAwaitedToo(t *testing.T) {
	f := &recorder{}
	e := &environment{mesh: &mesh.Mesh{}, host: f, names: namespaces{"bookinfo": "bookinfo-s"}}
	withheld := suite.Withhold("ConfigMap", "a", "status")
	objs := suite.Objects(manifest.ConfigMap("bookinfo", "a", nil), manifest.ConfigMap("bookinfo", "b", nil))
	require.ErrorContains(t, sabotaged{&withheld}.setUp(t.Context(), e, suite.Feature{Setup: []suite.Setup{objs}}), "enough")
	assert.ElementsMatch(t, []string{"a", "b"}, f.awaited, "what an earlier feature left of a could let a step pass")
}

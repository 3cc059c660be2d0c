package kube

import (
	"context"
	"net/http"
	"testing"
	"time"

	"meshgate/framework/kube/kubetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func contextWithin(t *testing.T, d time.Duration) (context.Context, func()) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

func TestSnapshotDiffListsAddedRemovedAndChangedObjects(t *testing.T) {
	before := Snapshot{"a": "1", "b": "1", "c": "1", "d": "1"}
	same := before.Diff(Snapshot{"a": "1", "b": "1", "c": "1", "d": "1"})
	assert.True(t, same.Empty())
	assert.Empty(t, same.String())
	diff := before.Diff(Snapshot{"a": "1", "c": "2", "d": "2", "z": "1", "y": "1"})
	assert.Equal(t, Changes{Added: []string{"y", "z"}, Removed: []string{"b"}, Changed: []string{"c", "d"}}, diff)
	assert.False(t, diff.Empty())
	assert.Equal(t, "added: y, z; removed: b; changed: c, d", diff.String())
}

func TestSnapshotCoversAllKindsExceptVolatileOnes(t *testing.T) {
	c, s := served(t, kubetest.VirtualServices())
	require.NoError(t, c.Apply(t.Context(), "a", configMap("c", "1"), newObject("networking.istio.io/v1", "VirtualService", "shop", "api")))
	before, err := c.Snapshot(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Put(newObject("v1", "Event", "shop", "noise")))
	require.NoError(t, c.Apply(t.Context(), "a", configMap("c", "2"), configMap("new", "1")))
	require.NoError(t, c.Delete(t.Context(), newObject("networking.istio.io/v1", "VirtualService", "shop", "api")))
	after, err := c.Snapshot(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "added: configmaps shop/new; removed: virtualservices.networking.istio.io shop/api; changed: configmaps shop/c", before.Diff(after).String())
}

func TestSnapshotFailsWhenAKindCannotBeListed(t *testing.T) {
	c, s := served(t)
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api/v1/secrets" {
			kubetest.Refuse(w, apierrors.NewBadRequest("broken"))
		}
		return r.URL.Path == "/api/v1/secrets"
	})
	_, err := c.Snapshot(t.Context())
	assert.EqualError(t, err, "list secrets: broken")
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api/v1/secrets" {
			kubetest.Refuse(w, apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", nil))
		}
		return r.URL.Path == "/api/v1/secrets"
	})
	_, err = c.Snapshot(t.Context())
	assert.NoError(t, err, "kinds that this user may not list are left out")
}

func TestOwnedListsTheObjectsOfOneOwner(t *testing.T) {
	c, s := served(t)
	require.NoError(t, c.Apply(t.Context(), "suite-a", configMap("b", "1"), configMap("a", "1")))
	require.NoError(t, c.Apply(t.Context(), "suite-b", configMap("other", "1")))
	require.NoError(t, s.Put(configMap("theirs", "1")))
	derived := owned(newObject("v1", "Pod", "shop", "api-1"), "suite-a")
	derived.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "api", UID: "1"}})
	require.NoError(t, s.Put(derived))
	assert.Equal(t, []string{"ConfigMap shop/a", "ConfigMap shop/b"}, ownedNames(t, c, "suite-a"), "in order, without derived objects")
	assert.Equal(t, []string{"ConfigMap shop/a", "ConfigMap shop/b", "ConfigMap shop/other"}, ownedNames(t, c, ""))
	assert.Empty(t, ownedNames(t, c, "nobody"))
}

func TestOwnedDiscoversACRDCreatedAfterTheClient(t *testing.T) {
	c, s := served(t)
	require.NoError(t, c.Apply(t.Context(), "a", configMap("c", "1")))
	s.Learn(kubetest.VirtualServices())
	require.NoError(t, s.Put(owned(newObject("networking.istio.io/v1", "VirtualService", "shop", "left"), "a")))
	assert.Equal(t, []string{"ConfigMap shop/c", "VirtualService shop/left"}, ownedNames(t, c, "a"))
}

func ownedNames(t *testing.T, c *Client, owner Owner) []string {
	t.Helper()
	all, err := c.Owned(t.Context(), owner)
	require.NoError(t, err)
	var out []string
	for _, o := range all {
		out = append(out, Name(o))
	}
	return out
}

package kube

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"meshgate/framework/kube/kubetest"
	"meshgate/framework/wait"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestApplyMakesObjectsInOrderAndLabelsThem(t *testing.T) {
	c, s := served(t)
	o := configMap("second", "1")
	require.NoError(t, c.Apply(t.Context(), "basic-gateway", newObject("v1", "Namespace", "", "first"), o))
	assert.Equal(t, []string{"Namespace shop", "Namespace first", "ConfigMap shop/second"}, s.Objects())
	got, err := c.Get(t.Context(), o)
	require.NoError(t, err)
	owner, ours := Ours(got)
	assert.True(t, ours)
	assert.Equal(t, Owner("basic-gateway"), owner)
	assert.Empty(t, o.GetLabels(), "the caller's object is left as it was")
	assert.Contains(t, strings.Join(s.Requests(), "\n"), "PATCH /api/v1/namespaces/shop/configmaps/second?fieldManager=meshgate&force=true")
}

func TestApplyChangesAnObjectOfMeshgate(t *testing.T) {
	c, _ := served(t)
	require.NoError(t, c.Apply(t.Context(), "a", configMap("c", "1")))
	require.NoError(t, c.Apply(t.Context(), "a", configMap("c", "2")))
	got, err := c.Get(t.Context(), configMap("c", ""))
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"key": "2"}, got.Object["data"])
	assert.EqualValues(t, 2, got.GetGeneration())
}

func TestApplyStopsAtAForeignObject(t *testing.T) {
	c, s := served(t)
	require.NoError(t, s.Put(configMap("theirs", "precious")))
	err := c.Apply(t.Context(), "a", configMap("before", "1"), configMap("theirs", "1"), configMap("after", "1"))
	require.ErrorIs(t, err, ErrForeign)
	assert.EqualError(t, err, "ConfigMap shop/theirs exists and was not created by meshgate: it is left alone; remove it or choose another name by configuration")
	assert.Equal(t, []string{"Namespace shop", "ConfigMap shop/theirs", "ConfigMap shop/before"}, s.Objects())
	got, err := c.Get(t.Context(), configMap("theirs", ""))
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"key": "precious"}, got.Object["data"])
}

func TestApplyRefusesAnObjectOfAnotherOwner(t *testing.T) {
	c, _ := served(t)
	require.NoError(t, c.Apply(t.Context(), "a", configMap("one", "1")))
	err := c.Apply(t.Context(), "b", configMap("one", "2"))
	require.ErrorIs(t, err, ErrTaken)
	assert.EqualError(t, err, "ConfigMap shop/one has another owner: want b, got a")
	got, err := c.Get(t.Context(), configMap("one", ""))
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"key": "1"}, got.Object["data"])
}

func TestApplyDiscoversACRDCreatedAfterTheClient(t *testing.T) {
	c, s := served(t)
	route := newObject("networking.istio.io/v1", "VirtualService", "shop", "api")
	err := c.Apply(t.Context(), "a", route)
	require.ErrorContains(t, err, "VirtualService shop/api: the cluster does not know this kind")
	s.Learn(kubetest.VirtualServices())
	require.NoError(t, c.Apply(t.Context(), "a", route))
}

func TestApplyRefusesANamespacedObjectWithoutNamespace(t *testing.T) {
	c, _ := served(t)
	err := c.Apply(t.Context(), "a", newObject("v1", "ConfigMap", "", "homeless"))
	assert.EqualError(t, err, "ConfigMap homeless: namespace: want one, got none")
}

// webhookUnserved answers the first n apply requests with the error of an API server whose
// webhook no pod serves.
func webhookUnserved(n int, text string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch || n == 0 {
			return false
		}
		n--
		kubetest.Refuse(w, apierrors.NewInternalError(errors.New(text)))
		return true
	}
}

const refused = `failed calling webhook "rev.validation.istio.io": failed to call webhook: Post "https://istiod.istio-system.svc:443/validate?timeout=10s": dial tcp 10.96.3.4:443: connect: connection refused`

func TestApplyWaitsForAWebhookThatIsNotServedYet(t *testing.T) {
	c, s := served(t)
	s.Intercept(webhookUnserved(2, refused))
	require.NoError(t, c.Apply(t.Context(), "a", configMap("c", "1")))
	assert.Equal(t, 3, strings.Count(strings.Join(s.Requests(), "\n"), "PATCH "))
}

func TestApplyStopsWaitingForAWebhookWhenItsContextEnds(t *testing.T) {
	c, s := served(t)
	s.Intercept(webhookUnserved(1000, refused))
	why := errors.New("interrupted by the user")
	ctx, stop := context.WithTimeoutCause(t.Context(), 500*time.Millisecond, why)
	defer stop()
	err := c.Apply(ctx, "a", configMap("c", "1"))
	require.ErrorIs(t, err, why)
	assert.ErrorContains(t, err, "apply ConfigMap shop/c: webhook answers for ConfigMap shop/c: ")
	assert.ErrorContains(t, err, "connection refused", "the error says what the server answered")
}

func TestApplyDoesNotRetryADenial(t *testing.T) {
	c, s := served(t)
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			kubetest.Refuse(w, denial())
		}
		return r.Method == http.MethodPatch
	})
	err := c.Apply(t.Context(), "a", configMap("c", "1"))
	assert.EqualError(t, err, `apply ConfigMap shop/c: admission webhook "validation.istio.io" denied the request: configuration is invalid: failed calling webhook is not why`,
		"the error does not speak of a wait, because there was none")
	assert.Equal(t, 1, strings.Count(strings.Join(s.Requests(), "\n"), "PATCH "), "one request only")
}

func denial() *apierrors.StatusError {
	err := apierrors.NewForbidden(schema.GroupResource{}, "", nil)
	err.ErrStatus.Message = `admission webhook "validation.istio.io" denied the request: configuration is invalid: failed calling webhook is not why`
	return err
}

func TestApplyRetriesOnlyUnreachableWebhooks(t *testing.T) {
	const called = `failed calling webhook "object.sidecar-injector.istio.io": failed to call webhook: Post "https://istiod.istio-system.svc:443/inject?timeout=10s": `
	internal := func(text string) error { return apierrors.NewInternalError(errors.New(text)) }
	for name, c := range map[string]struct {
		err   error
		sleep bool
	}{
		"no pod listens yet":        {internal(called + "dial tcp 10.96.3.4:443: connect: connection refused"), true},
		"no pod is ready yet":       {internal(called + `no endpoints available for service "istiod"`), true},
		"the CA bundle comes later": {internal(called + "tls: failed to verify certificate: x509: certificate signed by unknown authority"), true},
		"stale service rules":       {internal(called + "dial tcp 10.96.3.4:443: connect: no route to host"), true},
		"it takes too long":         {internal(called + "context deadline exceeded"), true},
		"it went away":              {internal(called + "EOF"), true},
		"it closed as we wrote":     {internal(called + "write tcp 172.22.0.2:55616->10.96.3.4:443: write: broken pipe"), true},
		"it denied":                 {denial(), false},
		"it crashed":                {internal(`failed calling webhook "x": an error on the server ("panic") has prevented the request from succeeding`), false},
		"the server itself":         {internal("etcdserver: connection refused"), false},
		"not an API error":          {errors.New(called + "connection refused"), false},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.sleep, webhookSleeps(c.err))
			final := finalUnlessWebhookUnserved(c.err)
			_, err := wait.Until(t.Context(), wait.Deadline{Name: "x", Within: 20 * time.Millisecond}, 5*time.Millisecond, func(context.Context) error { return final })
			assert.Equal(t, c.sleep, errors.Is(err, wait.ErrExpired), "tried again")
		})
	}
}

func TestDeleteRemovesInReverseOrderAndWaitsUntilAllAreGone(t *testing.T) {
	c, s := served(t)
	one, two := configMap("one", ""), configMap("two", "")
	require.NoError(t, c.Apply(t.Context(), "a", one, two))
	require.NoError(t, c.Delete(t.Context(), one, two))
	assert.Equal(t, []string{"Namespace shop"}, s.Objects())
	var deletions []string
	for _, r := range s.Requests() {
		if strings.HasPrefix(r, "DELETE") {
			deletions = append(deletions, r)
		}
	}
	assert.Equal(t, []string{"DELETE /api/v1/namespaces/shop/configmaps/two", "DELETE /api/v1/namespaces/shop/configmaps/one"}, deletions)
}

func TestDeleteWaitsForFinalizers(t *testing.T) {
	c, s := served(t)
	o := owned(configMap("held", ""), "a")
	o.SetFinalizers([]string{"example.com/hold"})
	require.NoError(t, s.Put(o))
	looks := 0
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/held") {
			if looks++; looks == 4 {
				_ = s.Remove(o)
			}
		}
		return false
	})
	require.NoError(t, c.Delete(t.Context(), o))
	assert.GreaterOrEqual(t, looks, 4, "it returned only when the object was gone")
}

func TestDeleteErrorNamesTheFinalizers(t *testing.T) {
	c, s := served(t)
	o := owned(configMap("held", ""), "a")
	o.SetFinalizers([]string{"example.com/hold"})
	require.NoError(t, s.Put(o))
	ctx, stop := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer stop()
	err := c.Delete(ctx, o)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "ConfigMap shop/held gone")
	assert.Contains(t, err.Error(), "ConfigMap shop/held still exists, finalizers [example.com/hold]")
}

func TestDeleteRefusesForeignObjectsAndRemovesTheRest(t *testing.T) {
	c, s := served(t)
	require.NoError(t, s.Put(configMap("theirs", "")))
	require.NoError(t, c.Apply(t.Context(), "a", configMap("ours", "")))
	err := c.Delete(t.Context(), configMap("ours", ""), configMap("theirs", ""))
	require.ErrorIs(t, err, ErrForeign)
	assert.Equal(t, []string{"Namespace shop", "ConfigMap shop/theirs"}, s.Objects())
}

func TestDeleteSucceedsForObjectsThatDoNotExist(t *testing.T) {
	c, s := served(t, kubetest.VirtualServices())
	route := newObject("networking.istio.io/v1", "VirtualService", "shop", "api")
	require.NoError(t, c.Delete(t.Context(), configMap("never", ""), route))
	require.NoError(t, c.Apply(t.Context(), "a", route))
	s.Forget("virtualservices")
	require.NoError(t, c.Delete(t.Context(), route), "its CRD was deleted")
	fresh, err := FromREST(s.REST())
	require.NoError(t, err)
	require.NoError(t, fresh.Delete(t.Context(), route), "also for a client that has never seen the CRD")
}

package existing

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"meshgate/framework/cluster"
	"meshgate/framework/kube"
	"meshgate/framework/progress"
	"meshgate/framework/wait"
)

// server is an API server that answers these paths and no others.
func server(t *testing.T, answers map[string]string) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		w.Header().Set("Content-Type", "application/json")
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			body = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`
		}
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func kubeconfig(t *testing.T, url string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	content := `{"kind":"Config","apiVersion":"v1","current-context":"here",
"clusters":[{"name":"c","cluster":{"server":"` + url + `"}}],
"contexts":[{"name":"here","context":{"cluster":"c","user":"u"}},{"name":"there","context":{"cluster":"c","user":"u"}}],
"users":[{"name":"u","user":{"token":"t"}}]}`
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

func up(t *testing.T, o Options) error {
	t.Helper()
	o.Budget = wait.DefaultBudget()
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	_, err := New(o).Up(ctx, nil, progress.Discard())
	return err
}

func TestUpErrorNamesTheKubeconfig(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	require.ErrorContains(t, up(t, Options{Kubeconfig: missing}), missing)
	file := kubeconfig(t, "http://127.0.0.1:1")
	err := up(t, Options{Kubeconfig: file, Context: "elsewhere"})
	require.ErrorContains(t, err, `"elsewhere"`)
	require.ErrorContains(t, err, "here, there", "the contexts there are")
	garbage := filepath.Join(t.TempDir(), "garbage")
	require.NoError(t, os.WriteFile(garbage, []byte("{{{"), 0o600))
	require.ErrorContains(t, up(t, Options{Kubeconfig: garbage}), garbage)
}

func TestUpFailsWhenTheClusterDoesNotAnswer(t *testing.T) {
	err := up(t, Options{Kubeconfig: kubeconfig(t, "http://127.0.0.1:1")})
	require.ErrorContains(t, err, "127.0.0.1:1")
	require.ErrorContains(t, err, "does not answer")
}

func TestUpRefusesAClusterWithoutAReadyNode(t *testing.T) {
	url := server(t, map[string]string{
		"/version":      `{"gitVersion":"v1.30.0"}`,
		"/api/v1/nodes": `{"kind":"NodeList","apiVersion":"v1","items":[{"metadata":{"name":"n"},"status":{"conditions":[{"type":"Ready","status":"False"}]}}]}`,
	})
	require.ErrorContains(t, up(t, Options{Kubeconfig: kubeconfig(t, url)}), "want at least 1 of 1, got 0")
}

func TestUpRefusesAForeignNamespace(t *testing.T) {
	url := server(t, map[string]string{
		"/version":                             `{"gitVersion":"v1.30.0"}`,
		"/api/v1/nodes":                        `{"kind":"NodeList","apiVersion":"v1","items":[{"metadata":{"name":"n"},"status":{"conditions":[{"type":"Ready","status":"True"}]}}]}`,
		"/api":                                 `{"kind":"APIVersions","versions":["v1"]}`,
		"/apis":                                `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`,
		"/api/v1":                              `{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"namespaces","kind":"Namespace","namespaced":false,"verbs":["get"]}]}`,
		"/api/v1/namespaces/" + checkNamespace: `{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"` + checkNamespace + `"}}`,
	})
	err := up(t, Options{Kubeconfig: kubeconfig(t, url)})
	require.ErrorIs(t, err, kube.ErrForeign)
	require.ErrorContains(t, err, checkNamespace)
}

func TestLeftoversListsOnlyTheCheckNamespace(t *testing.T) {
	const path = "/api/v1/namespaces/" + checkNamespace
	answers := map[string]string{path: `{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"x"}}`}
	p := New(Options{Kubeconfig: kubeconfig(t, server(t, answers)), Budget: wait.DefaultBudget()})
	left, err := p.Leftovers(context.Background())
	require.NoError(t, err)
	assert.Empty(t, left, "one without our label")
	require.NoError(t, p.Down(context.Background(), progress.Discard()), "and it is left alone")
	answers[path] = `{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"x","labels":{"` + kube.OwnerLabel + `":"cluster"}}}`
	left, err = p.Leftovers(context.Background())
	require.NoError(t, err)
	assert.Equal(t, []string{"namespace meshgate-check: kubectl delete namespace meshgate-check"}, left)
}

func TestLoadAcceptsImagesThatTheNodesHave(t *testing.T) {
	url := server(t, map[string]string{
		"/api/v1/nodes": `{"kind":"NodeList","apiVersion":"v1","items":[{"metadata":{"name":"n"},"status":{"images":[{"names":["a:1"]}]}}]}`,
	})
	p := New(Options{Kubeconfig: kubeconfig(t, url)})
	c := &cluster.Cluster{Name: "here"}
	require.NoError(t, p.Load(context.Background(), c, nil, []string{"a:1"}, nil))
	err := p.Load(context.Background(), c, nil, []string{"a:1", "b:2"}, nil)
	require.ErrorContains(t, err, "b:2")
	require.ErrorContains(t, err, "not created by meshgate")
	require.NotContains(t, err.Error(), "a:1")
}

func TestLoadRequiresTheImageOnEveryNode(t *testing.T) {
	with := corev1.Node{Status: corev1.NodeStatus{Images: []corev1.ContainerImage{{Names: []string{"a:1"}}}}}
	assert.Empty(t, missingImages([]corev1.Node{with, with}, []string{"a:1"}))
	assert.Equal(t, []string{"a:1"}, missingImages([]corev1.Node{with, {}}, []string{"a:1"}))
}

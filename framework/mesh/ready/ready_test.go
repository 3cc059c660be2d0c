package ready_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"meshgate/framework/mesh"
	"meshgate/framework/mesh/detect"
	"meshgate/framework/mesh/ready"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

// admission is what webhooks answer to an object; it may change the object.
type admission func(o *unstructured.Unstructured) error

func cluster(t *testing.T, admit admission) *fake.FakeDynamicClient {
	d := fake.NewSimpleDynamicClient(runtime.NewScheme())
	d.PrependReactor("create", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		create := a.(clienttesting.CreateActionImpl)
		require.Equal(t, []string{metav1.DryRunAll}, create.CreateOptions.DryRun, "nothing may be stored")
		o := create.GetObject().(*unstructured.Unstructured).DeepCopy()
		return true, o, admit(o)
	})
	return d
}

var shared = &mesh.Mesh{Namespace: "istio-system"}

var errDenied = errors.New(`admission webhook "validation.istio.io" denied the request: configuration is invalid`)

func wildcard(o *unstructured.Unstructured) bool {
	hosts, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "hosts")
	return hosts[0] == "*"
}

func TestValidatesRequiresADenialAndAnAdmission(t *testing.T) {
	assert.NoError(t, ready.Validates(t.Context(), cluster(t, func(o *unstructured.Unstructured) error {
		if wildcard(o) {
			return errDenied
		}
		return nil
	}), shared))
}

func TestValidatesErrorSaysWhyTheWebhookIsNotReady(t *testing.T) {
	for want, admit := range map[string]admission{
		"got it accepted":                      func(*unstructured.Unstructured) error { return nil },
		"want it to refuse, got: no endpoints": func(*unstructured.Unstructured) error { return errors.New("no endpoints") },
		"want a valid VirtualService accepted": func(*unstructured.Unstructured) error { return errDenied },
	} {
		assert.ErrorContains(t, ready.Validates(t.Context(), cluster(t, admit), shared), want)
	}
}

func TestWebhooksAreCalledWithTheRevisionsLabels(t *testing.T) {
	m := &mesh.Mesh{Namespace: "istio-system", Revision: "1-22"}
	var seen []map[string]string
	d := cluster(t, func(o *unstructured.Unstructured) error { seen = append(seen, o.GetLabels()); return errDenied })
	assert.Error(t, ready.Validates(t.Context(), d, m))
	assert.Error(t, ready.Injects(t.Context(), d, m))
	assert.Equal(t, "1-22", seen[0]["istio.io/rev"])
	assert.Equal(t, map[string]string{"sidecar.istio.io/inject": "true", "istio.io/rev": "1-22"}, seen[len(seen)-1])
}

func TestInjectsRequiresAProxyContainer(t *testing.T) {
	for _, place := range []string{"containers", "initContainers"} {
		assert.NoError(t, ready.Injects(t.Context(), cluster(t, func(o *unstructured.Unstructured) error {
			return unstructured.SetNestedSlice(o.Object, []any{map[string]any{"name": "istio-proxy"}}, "spec", place)
		}), shared), place)
	}
	assert.ErrorContains(t, ready.Injects(t.Context(), cluster(t, func(*unstructured.Unstructured) error { return nil }), shared),
		"want container istio-proxy in a pod")
	assert.ErrorContains(t, ready.Injects(t.Context(), cluster(t, func(*unstructured.Unstructured) error { return errors.New("connection refused") }), shared),
		"injection webhook: connection refused")
}

func place(t *testing.T, address string, port int) detect.Place {
	host, p, err := net.SplitHostPort(address)
	require.NoError(t, err)
	n, err := strconv.Atoi(p)
	require.NoError(t, err)
	return detect.Place{Host: host, Ports: map[int]int{port: n}}
}

func TestAnswersUsesTheHealthPort(t *testing.T) {
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/healthz/ready", r.URL.Path)
		w.WriteHeader(status)
	}))
	defer s.Close()
	p := place(t, s.Listener.Addr().String(), 15021)
	assert.NoError(t, ready.Answers(t.Context(), p))
	status = http.StatusServiceUnavailable
	assert.ErrorContains(t, ready.Answers(t.Context(), p), "status: want 200, got 503")
}

func TestAnswersUsesAnyPortWithoutHealthPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	for _, port := range []int{80, 27017} {
		assert.NoError(t, ready.Answers(t.Context(), place(t, l.Addr().String(), port)))
	}
	assert.ErrorContains(t, ready.Answers(t.Context(), detect.Place{Host: "h"}), "its Service has no ports")
}

func TestReachReturnsTheFirstPlaceThatAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	good := place(t, address, 80)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dead := place(t, closed.Addr().String(), 80)
	closed.Close()

	got, err := ready.Reach(t.Context(), []detect.Place{dead, good})
	require.NoError(t, err)
	assert.Equal(t, good, got)
	l.Close()
	_, err = ready.Reach(t.Context(), []detect.Place{dead, good})
	assert.ErrorContains(t, err, "gateway at "+address+" does not answer")
}

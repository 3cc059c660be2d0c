package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"meshgate/framework/evidence"
	"meshgate/framework/mesh"
	"meshgate/framework/report"
	"meshgate/framework/report/render"
)

func istio() *mesh.Mesh {
	return &mesh.Mesh{Namespace: system, Ingress: mesh.Gateway{Namespace: system, Name: "ingressgateway"}}
}

func applied(p planted) []*unstructured.Unstructured {
	return []*unstructured.Unstructured{{Object: map[string]any{"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]any{"namespace": member, "name": "api-cert"}, "stringData": map[string]any{"tls.key": p.key, "u": p.registered}}}}
}

// contents reads a whole report folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, errRel := filepath.Rel(dir, path)
		out[filepath.ToSlash(rel)] = string(data)
		return errors.Join(err, errRel)
	}))
	return out
}

func TestCapture(t *testing.T) {
	p := plant(t)
	root := t.TempDir()
	c := &evidence.Collector{Kube: fixture(t, p), Mesh: istio(), Dir: filepath.Join(root, "evidence")}
	c.Redactor.Secret(p.registered)
	cancelled, stop := context.WithCancel(t.Context())
	stop()
	seen := map[string]any{"header": map[string]any{"Set-Cookie": []string{"s=" + p.cookie}, "Location": []string{"https://a"}}, "body": p.everywhere()}

	files, err := c.Capture(cancelled, "basic-gateway/HTTPSRedirect", "redirects: 80 → 443", []string{member}, applied(p), map[string]any{"observation.json": seen, "way.json": way(p)})
	require.NoError(t, err, "a cancelled run still gets its evidence")
	const step = "evidence/basic-gateway/HTTPSRedirect/redirects--80---443/"
	want := []string{"applied.yaml", "events/" + member + ".txt", "events/" + system + ".txt", "istiod/istiod/syncz.json",
		"logs/" + member + "/productpage/app.log", "logs/" + member + "/productpage/app.previous.log", "logs/" + member + "/productpage/istio-proxy.log",
		"logs/" + system + "/ingressgateway/istio-proxy.log", "logs/" + system + "/istiod/discovery.log",
		"objects/" + member + ".yaml", "objects/" + system + ".yaml", "observation.json", "way.json"}
	for _, pod := range []string{member + "/productpage", system + "/ingressgateway"} {
		for _, f := range []string{"certs.json", "clusters.txt", "config_dump.json", "listeners.txt", "stats.txt"} {
			want = append(want, "proxies/"+pod+"/"+f)
		}
	}
	write(t, root, c, p, files)
	got := contents(t, root)
	require.Len(t, files, len(want))
	for _, f := range want {
		assert.Contains(t, files, step+f)
		assert.NotEmpty(t, got[step+f], f)
	}
	for name, text := range got {
		for what, secret := range p.all() {
			assertGone(t, secret, text, what+" in "+name)
		}
		assert.NotContains(t, text, "\x1b", name)
	}
	assertTold(t, got, step)
}

// way is a request path with the secrets in every text that comes from a proxy.
func way(p planted) *report.Way {
	return &report.Way{FirstWrong: "gateway", Sentence: p.everywhere(), Hops: []report.Hop{{Name: "gateway", Did: p.everywhere(), Line: p.everywhere()}},
		Chosen: encoded(map[string]any{"routes": p.everywhere()}), Unread: []string{p.everywhere()}}
}

// write writes a report next to the evidence, with the secrets in every kind of text.
func write(t *testing.T, root string, c *evidence.Collector, p planted, files []string) {
	t.Helper()
	failure := &report.Failure{Message: p.everywhere(), Mismatches: []report.Mismatch{{Field: "Set-Cookie", Want: p.registered, Got: p.everywhere()}},
		Observation: encoded(map[string]any{"header": map[string]any{"Set-Cookie": []string{p.cookie}}, "body": p.everywhere()}), Way: way(p)}
	run := report.Run{ID: "run", Started: time.Now(), Ended: time.Now(), Command: []string{"meshgate", "--token=" + p.token},
		Suites: []report.Suite{{Name: "s", Features: []report.Feature{{Name: "F", Status: report.Fail, Reason: p.everywhere(),
			Steps: []report.Step{{Name: "s", Kind: report.Assertion, Status: report.Fail, Failure: failure, Evidence: files}}}}}}}
	_, err := render.Write(root, run.Redacted(&c.Redactor))
	require.NoError(t, err)
}

// assertTold checks that text without secrets is still there.
func assertTold(t *testing.T, got map[string]string, step string) {
	t.Helper()
	objects := got[step+"objects/"+member+".yaml"]
	for _, s := range []string{"istio-injection: enabled", "kind: ConfigMap", "name: MONGO_PASSWORD", "tls.crt: redacted, 6 bytes", "kind: Pod"} {
		assert.Contains(t, objects, s)
	}
	assert.Contains(t, got[step+"observation.json"], "https://a")
	assert.Contains(t, got[step+"istiod/istiod/syncz.json"], "/debug/syncz")
	assert.Contains(t, got[step+"logs/"+member+"/productpage/app.previous.log"], "previous=true")
	assert.Contains(t, got[step+"proxies/"+system+"/ingressgateway/stats.txt"], "/stats of a proxy")
	assert.Contains(t, got[step+"events/"+member+".txt"], "Warning Unhealthy")
}

func TestCaptureNeverOverwrites(t *testing.T) {
	root := t.TempDir()
	c := &evidence.Collector{Kube: fixture(t, plant(t)), Dir: filepath.Join(root, "evidence")}
	for i, want := range []string{"evidence/f/s/", "evidence/f/s-2/", "evidence/f/s-3/"} {
		files, err := c.Capture(t.Context(), "f", "s", nil, nil, map[string]any{"observation.json": map[string]any{"attempt": i}})
		require.NoError(t, err)
		assert.Equal(t, []string{want + "observation.json"}, files)
	}
	_, err := c.Capture(t.Context(), "../../../f", "..", nil, nil, map[string]any{"observation.json": "x"})
	require.NoError(t, err)
	for name := range contents(t, filepath.Dir(root)) {
		assert.True(t, strings.HasPrefix(name, filepath.Base(root)+"/evidence/"), name)
	}
}

func TestCaptureRecordsCollectorFailures(t *testing.T) {
	root := t.TempDir()
	k := fixture(t, plant(t))
	k.ports = nil
	k.exec = func(_ context.Context, _, _, container string, cmd []string) ([]byte, error) {
		switch strings.Join(append([]string{container}, cmd...), " ") {
		case "discovery pilot-discovery request GET /debug/syncz":
			return []byte(`[{"proxy":"from exec"}]`), nil
		case "istio-proxy pilot-agent request GET /clusters":
			return []byte("clusters from exec"), nil
		case "istio-proxy pilot-agent request GET /stats":
			return nil, nil
		default:
			return nil, errors.New("container is \x1b[31mgone")
		}
	}
	k.typed.PrependReactor("list", "events", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("etcd has no leader")
	})
	c := &evidence.Collector{Kube: k, Mesh: istio(), Dir: filepath.Join(root, "evidence")}
	_, err := c.Capture(t.Context(), "f", "s", []string{member}, nil, nil)
	require.ErrorContains(t, err, "evidence is incomplete: 4 of ")
	got := contents(t, root)
	const step = "evidence/f/s/"
	assert.Equal(t, "events/"+member+" could not be collected: etcd has no leader\n", got[step+"events/"+member+".failed.txt"])
	proxy := got[step+"proxies/"+member+"/productpage.failed.txt"]
	assert.Contains(t, proxy, "config_dump: forwarding is forbidden\ncontainer is \\x1b[31mgone")
	assert.Contains(t, proxy, "stats: forwarding is forbidden\nthe answer is empty")
	assert.Equal(t, "clusters from exec", got[step+"proxies/"+member+"/productpage/clusters.txt"], "exec is used when forwarding fails")
	assert.Contains(t, got[step+"istiod/istiod/syncz.json"], "from exec")
	assert.NotEmpty(t, got[step+"objects/"+member+".yaml"], "other collectors continue")
}

// A proxy that never answers costs its own limit, and hanging calls cost the limit of the
// whole capture, not more.
func TestCaptureEndsWithinItsLimits(t *testing.T) {
	k := fixture(t, plant(t))
	k.ports = nil
	k.exec = func(ctx context.Context, _, _, _ string, cmd []string) ([]byte, error) {
		if cmd[3] == "/stats" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return []byte("{}"), nil
	}
	root := t.TempDir()
	c := &evidence.Collector{Kube: k, Mesh: istio(), Dir: filepath.Join(root, "evidence"), Limit: time.Second}
	_, err := c.Capture(t.Context(), "f", "s", []string{member}, nil, nil)
	require.ErrorContains(t, err, "evidence is incomplete")
	got := contents(t, root)
	assert.Contains(t, got["evidence/f/s/proxies/"+member+"/productpage.failed.txt"], "no answer within 1s: stats: ")
	assert.NotEmpty(t, got["evidence/f/s/proxies/"+member+"/productpage/config_dump.json"], "answers before the timeout are kept")

	forever := make(chan struct{})
	defer close(forever)
	var calls atomic.Int32
	k.exec = func(context.Context, string, string, string, []string) ([]byte, error) {
		calls.Add(1)
		<-forever // ignores its context
		return nil, errors.New("too late")
	}
	c.Whole = 200 * time.Millisecond
	began := time.Now()
	_, err = c.Capture(t.Context(), "f", "s", []string{member}, nil, nil)
	require.ErrorContains(t, err, "evidence is incomplete")
	assert.Less(t, time.Since(began), 5*time.Second)
	assert.Positive(t, calls.Load())
}

func TestCaptureFailsWithoutAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	c := &evidence.Collector{Kube: fixture(t, plant(t)), Dir: filepath.Join(file, "evidence")}
	_, err := c.Capture(t.Context(), "f", "s", nil, nil, nil)
	require.ErrorContains(t, err, file)
}

func TestCaptureKeepsTheEndOfALongLog(t *testing.T) {
	k := fixture(t, plant(t))
	line := strings.Repeat("x", 400) + "\n"
	k.typed.PrependReactor("get", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetSubresource() != "log" {
			return false, nil, nil
		}
		return true, &runtime.Unknown{Raw: append(bytes.Repeat([]byte(line), 20000), "the end\n"...)}, nil
	})
	root := t.TempDir()
	c := &evidence.Collector{Kube: k, Dir: filepath.Join(root, "evidence")}
	_, err := c.Capture(t.Context(), "f", "s", []string{member}, nil, nil)
	require.NoError(t, err)
	log := contents(t, root)["evidence/f/s/logs/"+member+"/productpage/app.log"]
	assert.Less(t, len(log), 2<<20+100)
	assert.True(t, strings.HasPrefix(log, "… "+strconv.Itoa(20000*401+8-2<<20)+" bytes before this are left out\n"), log[:80])
	assert.True(t, strings.HasSuffix(log, "the end\n"))
}

// A custom resource is collected although no code knows its kind.
func TestCaptureCollectsUnknownCustomResources(t *testing.T) {
	k := fixture(t, plant(t))
	gvr := schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "gateways"}
	gateway := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "networking.istio.io/v1", "kind": "Gateway",
		"metadata": map[string]any{"namespace": member, "name": "api", "managedFields": []any{map[string]any{"manager": "noise"}}},
		"spec":     map[string]any{"servers": []any{map[string]any{"tls": map[string]any{"credentialName": "api-cert"}}}}}}
	k.dynamic = dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{gvr: "GatewayList"})
	_, err := k.dynamic.Resource(gvr).Namespace(member).Create(t.Context(), gateway, metav1.CreateOptions{})
	require.NoError(t, err)
	k.typed.Resources = []*metav1.APIResourceList{{GroupVersion: "networking.istio.io/v1", APIResources: []metav1.APIResource{resource("gateways", "Gateway")}}}
	root := t.TempDir()
	c := &evidence.Collector{Kube: k, Dir: filepath.Join(root, "evidence")}
	_, err = c.Capture(t.Context(), "f", "s", []string{member}, nil, nil)
	require.ErrorContains(t, err, "namespaces", "the error says that this fake has no Namespace, and the rest is captured")
	objects := contents(t, root)["evidence/f/s/objects/"+member+".yaml"]
	assert.Contains(t, objects, "credentialName: api-cert")
	assert.NotContains(t, objects, "noise")
}

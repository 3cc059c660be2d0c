package manifest

import (
	"errors"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"meshgate/framework/manifest/goldentest"
)

var update = flag.Bool("update", false, "write the golden files")

func everything(t *testing.T) Set {
	t.Helper()
	s, err := Load(os.DirFS("testdata"), "everything.yaml")
	require.NoError(t, err)
	return s
}

// edited applies edits to testdata/everything.yaml and compares the result with a
// golden file, which shows every place that an edit changed and none beside.
func TestEditsAreGolden(t *testing.T) {
	for name, edits := range map[string][]Edit{
		"as-it-is":   {Labels(map[string]string{"app.kubernetes.io/part-of": "test"})},
		"namespaces": {Namespaces(map[string]string{"bookinfo": "b-1", "istio-system": "mesh-1", "unused": "u"})},
		"swapped":    {Namespaces(map[string]string{"bookinfo": "istio-system", "istio-system": "bookinfo"})},
		"hosts":      {Hosts(map[string]string{"api.test": "api.example.org", "rating.example.com": "rating.test", "plain.test": "bare.test"})},
		"renamed":    {Rename(map[string]string{"gateway": "gateway-2", "certificate": "certificate-2", "reader": "reader-2", "settings": "settings-2", "password": "password-2"})},
		"pods": {Images(map[string]string{"ratings:1": "registry.test/ratings:2", "unused:1": "x"}), PullPolicy("IfNotPresent"),
			PodLabels(map[string]string{"istio.io/rev": "1-22"}), PodAnnotations(map[string]string{"proxy.istio.io/config": "concurrency: 1"})},
		"fields": {Selectors(map[string]map[string]string{"ingressgateway": {"istio": "other"}}), SetField("VirtualService", "api", 27019, "spec", "tcp", "0", "route", "0", "destination", "port", "number"),
			SetField("ServiceEntry", "outside", []string{"a.test"}, "spec", "hosts"), SetField("Gateway", "gateway", "x.test", "spec", "servers", "0", "hosts", "1"),
			RemoveField("Gateway", "gateway", "spec", "servers", "0", "tls"), RulesFor("istio-system", map[string]string{"istio": "other"})},
	} {
		t.Run(name, func(t *testing.T) {
			before := everything(t)
			after, err := before.With(edits...)
			require.NoError(t, err)
			require.NoError(t, goldentest.Compare("testdata/golden/"+name+".yaml", after.YAML(), *update))
			assert.Equal(t, everything(t).YAML(), before.YAML(), "the set that was edited is what it was")
			again, err := Load(os.DirFS("testdata"), "golden/"+name+".yaml")
			require.NoError(t, err, "what is rendered is a valid fixture")
			assert.Equal(t, after.YAML(), again.YAML())
		})
	}
}

func TestEditsThatMatchNothingAreErrors(t *testing.T) {
	s, err := everything(t).With(Labels(map[string]string{"a": "b"}))
	require.NoError(t, err)
	only, err := one(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: ns}\n")
	require.NoError(t, err)
	for want, e := range map[string]struct {
		set  Set
		edit Edit
	}{
		"edit Selectors: nothing matched in [ConfigMap ns/c]": {only, Selectors(nil)},
		`edit Selectors: Gateway istio-system/gateway: spec.selector.istio: want one of the mesh's gateways, egressgateway, got "ingressgateway"`: {s, Selectors(map[string]map[string]string{"egressgateway": {"a": "b"}})},
		"edit RulesFor a: nothing matched in":                                                                   {s, RulesFor("a", nil)},
		"edit Images: nothing matched in [ConfigMap ns/c]":                                                      {only, Images(map[string]string{"a": "b"})},
		"edit PullPolicy Always: nothing matched":                                                               {only, PullPolicy("Always")},
		"edit PodLabels: nothing matched":                                                                       {only, PodLabels(map[string]string{"a": "b"})},
		"edit Hosts a.test→b.test: \"a.test\" stands nowhere in [ConfigMap ns/c]":                               {only, Hosts(map[string]string{"a.test": "b.test"})},
		"edit Rename a→b: \"a\" stands nowhere in":                                                              {s, Rename(map[string]string{"a": "b"})},
		"edit Hosts : nothing matched":                                                                          {s, Hosts(nil)},
		"edit SetField Gateway no a: nothing matched":                                                           {s, SetField("Gateway", "no", 1, "a")},
		"edit SetField Gateway gateway spec.srvers.0: Gateway istio-system/gateway: spec.srvers: no such field": {s, SetField("Gateway", "gateway", 1, "spec", "srvers", "0")},
		"spec.servers.7: want an index below 1":                                                                 {s, SetField("Gateway", "gateway", 1, "spec", "servers", "7")},
		"spec.servers.first: want an index below 1":                                                             {s, SetField("Gateway", "gateway", 1, "spec", "servers", "first")},
		"metadata.name.x: nothing is below gateway":                                                             {s, SetField("Gateway", "gateway", 1, "metadata", "name", "x")},
		"edit SetField Gateway gateway : Gateway istio-system/gateway: no path":                                 {s, SetField("Gateway", "gateway", 1)},
		"json: unsupported type: func()":                                                                        {s, SetField("Gateway", "gateway", func() {}, "spec")},
		"want a mapping above \"0\", got []interface {}":                                                        {s, RemoveField("Gateway", "gateway", "spec", "servers", "0")},
		"edit Namespaces bookinfo→b: Gateway istio-system/gateway: namespace \"istio-system\" is not among those to be replaced": {s, Namespaces(map[string]string{"bookinfo": "b"})},
		"Namespace bookinfo: namespace \"bookinfo\" is not among those":                                                          {s, Namespaces(map[string]string{"istio-system": "b"})},
		"edit own: Namespace bookinfo: as it likes":                                                                              {s, EditEach("own", func(*unstructured.Unstructured) (bool, error) { return false, errors.New("as it likes") })},
	} {
		_, err := e.set.With(e.edit)
		assert.ErrorContains(t, err, want)
	}
}

func TestEditsMayNotMakeInvalidObjects(t *testing.T) {
	_, err := everything(t).With(SetField("Gateway", "gateway", "https", "spec", "servers", "0", "port", "number"))
	assert.ErrorContains(t, err, `Gateway istio-system/gateway: spec.servers[0].port.number: want a whole number, got "https"`)
	_, err = everything(t).With(Rename(map[string]string{"allow": ""}))
	assert.ErrorContains(t, err, "metadata.name: want a name, got none")
	_, err = everything(t).With(PodLabels(map[string]string{"a": "b"}), SetField("Deployment", "ratings", map[string]any{"a": 1}, "spec", "template", "metadata", "labels"))
	assert.ErrorContains(t, err, "wrong type")
	_, err = everything(t).With(EditEach("break", func(o *unstructured.Unstructured) (bool, error) {
		if o.GetKind() == "Deployment" {
			return true, unstructured.SetNestedField(o.Object, "x", "spec", "template", "metadata", "labels")
		}
		return false, nil
	}))
	assert.ErrorContains(t, err, "wrong type", "an edit of one's own is judged like the others")
}

func TestBuilders(t *testing.T) {
	s := NewSet(
		ConfigMap("b", "c", map[string]string{"a": "b"}),
		Secret("b", "ca", map[string][]byte{"ca.crt": []byte("pem")}),
		TLSSecret("istio-system", "certificate", []byte("cert"), []byte("key")),
		Namespace("b", map[string]string{"istio-injection": "enabled"}),
	)
	assert.Equal(t, []string{"Namespace b", "ConfigMap b/c", "Secret b/ca", "Secret istio-system/certificate"}, titles(s.Objects()))
	moved, err := s.With(Namespaces(map[string]string{"b": "b-1", "istio-system": "istio-system"}))
	require.NoError(t, err, "what is built is strictly valid")
	require.NoError(t, goldentest.Compare("testdata/golden/built.yaml", moved.YAML(), *update))
}

func TestObjectsMadeInCode(t *testing.T) {
	own := &unstructured.Unstructured{Object: map[string]any{"kind": "Own", "metadata": map[string]any{"name": "a"}, "x": []int{1}}}
	s := NewSet(own)
	assert.Equal(t, "kind: Own\nmetadata:\n  name: a\nx:\n- 1\n", string(s.YAML()))
	_, err := s.With(Labels(nil))
	assert.ErrorContains(t, err, "kind Own () is not known")
	own.Object["x"] = make(chan int)
	assert.Contains(t, string(NewSet(own).YAML()), "# Own a cannot be written: ")
}

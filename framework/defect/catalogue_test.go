package defect

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const good = `# Redirects are temporary.
apiVersion: meshgate/v1
kind: Defect
metadata: {name: redirect-302}
spec:
  what: Redirects are temporary.
  sees: [{feature: basic-gateway/HTTPSRedirect, step: redirects, field: status}]
  shown: {gateway: ingressgateway}
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: defect-redirect-302, namespace: istio-system}
spec: {}
`

func file(text string) fstest.MapFS {
	return fstest.MapFS{"redirect-302.yaml": &fstest.MapFile{Data: []byte(text)}}
}

func TestLoadReadsADefectWithItsObjects(t *testing.T) {
	all, err := Load(file(good))
	require.NoError(t, err)
	require.Len(t, all, 1)
	d := all[0]
	assert.Equal(t, "redirect-302", d.Name)
	assert.Equal(t, "basic-gateway", d.Sees[0].Suite())
	assert.Equal(t, "HTTPSRedirect", d.Sees[0].Name())
	assert.Equal(t, "meshgate-defect-redirect-302", d.marker())
	require.Len(t, d.Objects, 1)
	assert.Equal(t, "EnvoyFilter", d.Objects[0].GetKind())
}

func TestLoadErrorNamesFileAndField(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"another name":    {"name: redirect-302}\nspec", "name: other}\nspec", `defect redirect-302.yaml: want a Defect of meshgate/v1 that is named after the file`},
		"a misspelt word": {"what:", "whta:", `unknown field "whta"`},
		"nobody sees it":  {"[{feature: basic-gateway/HTTPSRedirect, step: redirects, field: status}]", "[]", "spec.sees: want at least one feature"},
		"no step":         {"step: redirects, ", "", "want feature (suite/Feature), step and field"},
		"nowhere shown":   {"{gateway: ingressgateway}", "{}", "spec.shown: want one of gateway, sidecar, object"},
		"shown twice":     {"{gateway: ingressgateway}", "{gateway: ingressgateway, object: Gateway}", "spec.shown: want one of"},
		"not alone":       {"  shown:", "  meshConfig: {accessLogFile: \"\"}\n  shown:", "spec.alone: want true for a defect with meshConfig"},
	} {
		t.Run(name, func(t *testing.T) {
			text := replace(t, good, c.from, c.to)
			_, err := Load(file(text))
			assert.ErrorContains(t, err, c.want)
		})
	}
	_, err := Load(fstest.MapFS{})
	assert.ErrorContains(t, err, "want at least one YAML file")
}

func TestBatchesSeparateDefectsSeenByTheSameFeature(t *testing.T) {
	d := func(name string, alone bool, features ...string) Defect {
		out := Defect{Name: name, Alone: alone}
		for _, f := range features {
			out.Sees = append(out.Sees, Seen{Feature: f})
		}
		return out
	}
	batches := Batches([]Defect{d("a", false, "s/A"), d("b", false, "s/A", "s/B"), d("whole", true, "s/C"), d("c", false, "s/C"), d("d", false, "s/B")})
	var got [][]string
	for _, b := range batches {
		var one []string
		for _, d := range b {
			one = append(one, d.Name)
		}
		got = append(got, one)
	}
	assert.Equal(t, [][]string{{"a", "c", "d"}, {"b"}, {"whole"}}, got)
}

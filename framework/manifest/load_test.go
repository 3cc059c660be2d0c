package manifest

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// one loads a single fixture file.
func one(t *testing.T, text string) (Set, error) {
	t.Helper()
	return Load(fstest.MapFS{"a.yaml": {Data: []byte(text)}}, "*.yaml")
}

const virtualService = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: api, namespace: bookinfo}
spec:
  gateways: [istio-system/gateway]
  hosts: [api.test]
  http:
  - timeout: 24h
    fault: {delay: {percentage: {value: 10}, fixedDelay: 5s}}
    match:
    - uri: {regex: "/my-app/(rest)/?.*"}
      headers: {plan-type: {exact: gold}}
    corsPolicy: {allowOrigins: [{regex: ".*"}], allowCredentials: true}
    route:
    - destination: {host: my-app, port: {number: 8080}}
      weight: 100
`

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: bookinfo}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
      - {name: app, image: app:1, ports: [{containerPort: 8080}]}
`

func TestUnknownFieldsAndWrongTypesAreNamedWhereverTheyAre(t *testing.T) {
	for _, c := range []struct{ name, base, old, new, want string }{
		{"deep in a route", virtualService, "number: 8080", "nummer: 8080", `fixture a.yaml, document 1: VirtualService bookinfo/api: spec.http[0].route[0].destination.port.nummer: unknown field; PortSelector has [number]`},
		{"in a map's values", virtualService, "exact: gold", "exakt: gold", `spec.http[0].match[0].headers.plan-type.exakt: unknown field; StringMatch has [exact prefix regex]`},
		{"name of the proto file", virtualService, "fixedDelay", "fixed_delay", `spec.http[0].fault.delay.fixed_delay: unknown field; Delay has [exponentialDelay fixedDelay percent percentage]`},
		{"case", virtualService, "corsPolicy", "CorsPolicy", `spec.http[0].CorsPolicy: unknown field`},
		{"beside the spec", virtualService, "spec:", "sepc: {}\nspec:", `unknown field "sepc"`},
		{"metadata", virtualService, "name: api,", "name: api, lables: {},", `unknown field "metadata.lables"`},
		{"two of one choice", virtualService, `{exact: gold}`, `{exact: gold, prefix: g}`, `spec.http[0].match[0].headers.plan-type: exact and prefix exclude each other`},
		{"text for a number", virtualService, "number: 8080", "number: http", `spec.http[0].route[0].destination.port.number: want a whole number, got "http"`},
		{"negative port", virtualService, "number: 8080", "number: -1", `spec: json: cannot unmarshal number -1 into Go value of type uint32`},
		{"fraction", virtualService, "weight: 100", "weight: 1.5", `spec.http[0].route[0].weight: want a whole number, got "1.5"`},
		{"text for a fraction", virtualService, "value: 10", "value: ten", `percentage.value: want a number, got "ten"`},
		{"number for a text", virtualService, "exact: gold", "exact: 5", `headers.plan-type.exact: want a text, got 5 (quote it)`},
		{"text for a list", virtualService, "hosts: [api.test]", "hosts: api.test", `spec.hosts: want a list, got api.test`},
		{"list for a mapping", virtualService, "{exact: gold}", "[gold]", `headers.plan-type: want a mapping, got [gold]`},
		{"list for a map", virtualService, "{plan-type: {exact: gold}}", "[gold]", `spec.http[0].match[0].headers: want a mapping, got [gold]`},
		{"duration without unit", virtualService, "24h", "24", `spec.http[0].timeout: want a duration such as 90s, got "24"`},
		{"wrapper", virtualService, "allowCredentials: true", "allowCredentials: yes-please", `spec: json:`},
		{"container", deployment, "containerPort", "containerPrt", `Deployment bookinfo/app: unknown field "spec.template.spec.containers[0].ports[0].containerPrt"`},
		{"several", deployment, "{name: app, image", "{x: 1, z: 2, name: app, image", `unknown field "spec.template.spec.containers[0].x"; unknown field "spec.template.spec.containers[0].z"`},
		{"Kubernetes type", deployment, "containerPort: 8080", "containerPort: http", `wrong type: json: cannot unmarshal string into Go struct field`},
		{"duplicate key", deployment, "name: app, namespace", "name: app, name: b, namespace", `document 1: yaml: unmarshal errors:`},
		{"unknown kind", deployment, "kind: Deployment", "kind: Deploymnet", `kind Deploymnet (apps/v1) is not known; known are: Namespace (v1); `},
		{"unknown version", virtualService, "networking.istio.io/v1\n", "networking.istio.io/v2\n", `kind VirtualService (networking.istio.io/v2) is not known`},
		{"no name", deployment, "name: app, namespace", "namespace", `metadata.name: want a name, got none`},
		{"no namespace", deployment, ", namespace: bookinfo", "", `metadata.namespace: want one, got none`},
		{"a truth value for a name", deployment, "namespace: bookinfo", "namespace: n", `.metadata.namespace accessor error: false is of the type bool, expected string (YAML takes n, y, on and off for truth values: quote it)`},
		{"no kind", deployment, "kind: Deployment", "", `document 1: Object 'Kind' is missing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, c.base, c.old)
			_, err := one(t, c.base)
			require.NoError(t, err, "the fixture itself is good")
			_, err = one(t, strings.Replace(c.base, c.old, c.new, 1))
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestEveryIstioKindIsDecodedStrictly(t *testing.T) {
	for _, k := range istioKinds() {
		for _, v := range k.apiVersions {
			_, err := one(t, "apiVersion: "+v+"\nkind: "+k.name+"\nmetadata: {name: a, namespace: b}\nspec: {noSuchField: 1}\n")
			assert.ErrorContains(t, err, "spec.noSuchField: unknown field", "%s %s", v, k.name)
			_, err = one(t, "apiVersion: "+v+"\nkind: "+k.name+"\nmetadata: {name: a, namespace: b}\nspec: {}\n")
			assert.NoError(t, err, "%s %s", v, k.name)
		}
	}
}

func TestEveryKubernetesKindIsDecodedStrictly(t *testing.T) {
	for _, k := range kubernetesKinds() {
		meta := "{name: a, namespace: b}"
		if k.cluster {
			meta = "{name: a}"
			_, err := one(t, "apiVersion: "+k.apiVersions[0]+"\nkind: "+k.name+"\nmetadata: {name: a, namespace: b}\n")
			assert.ErrorContains(t, err, "metadata.namespace: "+k.name+" has none", k.name)
		}
		_, err := one(t, "apiVersion: "+k.apiVersions[0]+"\nkind: "+k.name+"\nmetadata: "+meta+"\nnoSuchField: 1\n")
		assert.ErrorContains(t, err, `unknown field "noSuchField"`, k.name)
		_, err = one(t, "apiVersion: "+k.apiVersions[0]+"\nkind: "+k.name+"\nmetadata: "+meta+"\n")
		assert.NoError(t, err, k.name)
	}
}

func TestEnumerationsListWhatThereIs(t *testing.T) {
	_, err := one(t, "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a, namespace: b}\n")
	require.ErrorContains(t, err, "spec: want a mapping, got <nil>")
	_, err = one(t, "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a, namespace: b}\nspec: {servers: [{tls: {mode: SIMPEL}}]}\n")
	assert.ErrorContains(t, err, `spec.servers[0].tls.mode: want one of [PASSTHROUGH SIMPLE MUTUAL`)
	assert.ErrorContains(t, err, `got "SIMPEL"`)
	_, err = one(t, "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a, namespace: b}\nspec: {servers: [{tls: {httpsRedirect: 'yes'}}]}\n")
	assert.ErrorContains(t, err, `spec.servers[0].tls.httpsRedirect: want true or false, got "yes"`)
}

func TestObjectsComeInTheOrderOfApplication(t *testing.T) {
	files := fstest.MapFS{
		"s/a.yaml": {Data: []byte("# only a comment\n---\n" + virtualService + "---\n" + deployment)},
		"s/b.yaml": {Data: []byte("apiVersion: v1\nkind: Service\nmetadata: {name: z, namespace: b}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\n")},
		"s/c.yaml": {Data: []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: b}\nspec: {}\n")},
	}
	s, err := Load(files, "s/*.yaml", "s/a.yaml")
	require.NoError(t, err, "a file that two patterns match is read once")
	assert.Equal(t, []string{"Namespace b", "Service b/z", "Service b/a", "Deployment bookinfo/app", "Gateway b/g", "VirtualService bookinfo/api"}, titles(s.Objects()))
}

func TestNothingMatchedIsAnError(t *testing.T) {
	files := fstest.MapFS{"a.yaml": {Data: []byte(deployment)}, "empty.yaml": {Data: []byte("# nothing\n")}}
	for want, globs := range map[string][]string{
		`fixtures: no pattern is given`:                     nil,
		`fixtures "b/*.yaml": the pattern matches no file`:  {"a.yaml", "b/*.yaml"},
		`fixtures "[": syntax error in pattern`:             {"["},
		`fixture empty.yaml: no object in it`:               {"empty.yaml"},
		`fixture dir.yaml: read dir.yaml: invalid argument`: {"dir.yaml"},
	} {
		if strings.Contains(want, "dir.yaml") {
			files["dir.yaml/x"] = &fstest.MapFile{}
			want = "fixture dir.yaml: "
		}
		_, err := Load(files, globs...)
		assert.ErrorContains(t, err, want)
	}
}

func TestTwinsAreRefused(t *testing.T) {
	_, err := one(t, deployment+"---"+deployment)
	assert.EqualError(t, err, "Deployment bookinfo/app is there twice")
	a, err := one(t, deployment)
	require.NoError(t, err)
	_, err = Join(a, a)
	assert.EqualError(t, err, "Deployment bookinfo/app is there twice")
	b, err := one(t, virtualService)
	require.NoError(t, err)
	both, err := Join(b, a)
	require.NoError(t, err)
	assert.Equal(t, []string{"Deployment bookinfo/app", "VirtualService bookinfo/api"}, titles(both.Objects()))
}

func TestASetIsNotChangedByWhoReadsIt(t *testing.T) {
	s, err := one(t, deployment)
	require.NoError(t, err)
	s.Objects()[0].SetName("other")
	o, err := s.Object("Deployment", "app")
	require.NoError(t, err)
	o.SetName("other")
	assert.Equal(t, []string{"Deployment bookinfo/app"}, titles(s.Objects()))
	_, err = s.Object("Service", "app")
	assert.EqualError(t, err, "no Service app; there are: [Deployment bookinfo/app]")
	assert.True(t, s.Has("Deployment"))
	assert.False(t, s.Has("Gateway"))
}

func BenchmarkLoad(b *testing.B) {
	files := fstest.MapFS{"a.yaml": {Data: []byte(virtualService + "---" + deployment)}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(files, "*.yaml"); err != nil {
			b.Fatal(err)
		}
	}
}

// Fixtures are loaded for every feature; this keeps what it costs in sight.
func TestLoadAllocates(t *testing.T) {
	files := fstest.MapFS{"a.yaml": {Data: []byte(virtualService + "---" + deployment)}}
	allocs := testing.AllocsPerRun(20, func() {
		if _, err := Load(files, "*.yaml"); err != nil {
			t.Error(err)
		}
	})
	assert.LessOrEqual(t, allocs, 3000.0)
}

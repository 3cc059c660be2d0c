package config

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/wait"
)

var update = flag.Bool("update", false, "write the golden files and the generated page")

// load reads a configuration from a file's text, variables and flags.
func load(t *testing.T, file string, environ []string, args ...string) (Config, error) {
	t.Helper()
	fs := pflag.NewFlagSet("meshgate", pflag.ContinueOnError)
	l := Flags(fs, "run", nil)
	if file != "" {
		path := filepath.Join(t.TempDir(), "meshgate.yaml")
		require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
		args = append(args, "--config", path)
	}
	require.NoError(t, fs.Parse(args))
	return l.Load(environ)
}

func TestDefaultsAreThoseOfTheSeeds(t *testing.T) {
	c, err := Load(nil)
	require.NoError(t, err)
	assert.Equal(t, Cluster{Provider: "kind", Name: "meshgate", Nodes: 1, Engine: "auto"}, c.Cluster)
	assert.Equal(t, Mesh{Flavour: "istio", Version: "1.31"}, c.Mesh)
	assert.Equal(t, Bundle{Source: "auto"}, c.Bundle)
	assert.Equal(t, "ours", c.Apps.Images)
	assert.Equal(t, Names{"bookinfo", "istio-system", "basic-install", "api"}, c.Names)
	assert.Equal(t, Run{Report: "report", Slow: 1}, c.Run)
	assert.Equal(t, wait.DefaultBudget(), c.Budget)
}

func TestFlagsGoBeforeEnvironmentBeforeFileBeforeDefault(t *testing.T) {
	file := "cluster: {nodes: 2, name: from-file}\nmesh: {version: 1.22, revision: from-file}\n"
	environ := []string{"MESHGATE_NODES=3", "MESHGATE_REVISION=from-env", "MESHGATE_REPORT=", "OTHER_NODES=9"}
	c, err := load(t, file, environ, "--nodes", "4")
	require.NoError(t, err)
	assert.Equal(t, 4, c.Cluster.Nodes, "flag")
	assert.Equal(t, "from-env", c.Mesh.Revision, "environment")
	assert.Equal(t, "from-file", c.Cluster.Name, "file")
	assert.Equal(t, "1.22", c.Mesh.Version, "file, as it is written")
	assert.Equal(t, "report", c.Run.Report, "default: an empty variable is not set")
}

func TestAFlagThatRepeatsTheDefaultStillGoesFirst(t *testing.T) {
	c, err := load(t, "", []string{"MESHGATE_NODES=3"}, "--nodes=1")
	require.NoError(t, err)
	assert.Equal(t, 1, c.Cluster.Nodes)
}

func TestAFlagAloneHasAValue(t *testing.T) {
	for want, args := range map[time.Duration][]string{0: nil, DefaultHold: {"--hold"}, time.Minute: {"--hold=1m"}} {
		c, err := load(t, "", nil, args...)
		require.NoError(t, err)
		assert.Equal(t, want, c.Run.Hold)
	}
	c, err := load(t, "run: {hold: 5m}", nil, "--hold=0s")
	require.NoError(t, err)
	assert.Zero(t, c.Run.Hold, "a flag takes back what a file says")
}

func TestEveryKindOfValueFromEveryPlace(t *testing.T) {
	file := `
mesh:
  values: {pilot: {env: {X: "1"}, replicaCount: 2}}
run:
  keep: true
  retain: 20
  suites: [basic-gateway, mongo-egress]
  labels: {tier: fast}
  feature: ^HTTPS
  slow: 2
budget: {deletion: 45s}
names: {bookinfo_namespace: shop}
`
	want := Run{Keep: true, Report: "report", Retain: 20, Suites: []string{"basic-gateway", "mongo-egress"},
		Feature: "^HTTPS", Labels: map[string]string{"tier": "fast"}, Slow: 2}
	values := map[string]any{"pilot": map[string]any{"env": map[string]any{"X": "1"}, "replicaCount": 2}}
	environ := []string{"MESHGATE_MESH_VALUES={pilot: {env: {X: '1'}, replicaCount: 2}}", "MESHGATE_KEEP=true", "MESHGATE_RETAIN=20",
		"MESHGATE_SUITE=basic-gateway, mongo-egress", "MESHGATE_LABELS=tier=fast", "MESHGATE_FEATURE=^HTTPS",
		"MESHGATE_SLOW=2", "MESHGATE_BUDGET_DELETION=45s", "MESHGATE_BOOKINFO_NAMESPACE=shop"}
	args := []string{"--mesh-values", "{pilot: {env: {X: '1'}, replicaCount: 2}}", "--keep", "--retain", "20", "--suite", "basic-gateway",
		"--suite", "mongo-egress", "--labels", "tier=fast", "--feature", "^HTTPS", "--slow", "2", "--bookinfo-namespace", "shop"}
	for name, give := range map[string]func() (Config, error){
		"file":        func() (Config, error) { return load(t, file, nil) },
		"environment": func() (Config, error) { return load(t, "", environ) },
		"flags":       func() (Config, error) { return load(t, "", []string{"MESHGATE_BUDGET_DELETION=45s"}, args...) },
	} {
		c, err := give()
		require.NoError(t, err, name)
		assert.Equal(t, want, c.Run, name)
		assert.Equal(t, values, c.Mesh.Values, name)
		assert.Equal(t, "shop", c.Names.BookinfoNamespace, name)
		assert.Equal(t, 90*time.Second, c.Budget.Deletion, "%s: 45s at half speed", name)
		assert.Equal(t, time.Minute, c.Budget.Programmed, "%s: the factor is on every limit", name)
	}
}

func TestEverySettingIsStoredInAFieldOfItsOwn(t *testing.T) {
	samples := map[string]string{"number": "3", "bool": "true", "duration": "7s", "list": "a,b", "pairs": "a=b", "yaml": "{a: b}"}
	special := map[string]string{
		"cluster.provider": "existing", "cluster.engine": "podman", "mesh.flavour": "existing", "mesh.version": "1.22",
		"bundle.source": "source", "apps.images": "upstream", "cluster.kubeconfig": "config.go", "bundle.archive": "config.go",
	}
	var base Config
	for _, s := range settings() {
		sample := samples[s.kind]
		if s.kind == "text" {
			sample = "value"
		}
		if v, ok := special[s.key]; ok {
			sample = v
		}
		var c Config
		require.NoError(t, s.set(&c, sample), s.key)
		assert.NotEqual(t, base, c, "%s is stored nowhere", s.key)
		changed := 0
		for _, other := range settings() {
			if assert.ObjectsAreEqual(other.get(base), other.get(c)) {
				continue
			}
			changed++
			assert.Equal(t, s.key, other.key, "%s is stored in the field of another", s.key)
		}
		assert.Equal(t, 1, changed, s.key)
	}
}

func TestTheTableHasNoTwins(t *testing.T) {
	seen := map[string]string{}
	for _, s := range settings() {
		for _, name := range []string{s.key, "--" + s.flag, s.variable()} {
			if name == "--" {
				continue
			}
			assert.Empty(t, seen[name], "%s is in the table twice", name)
			seen[name] = s.key
		}
		assert.NotEmpty(t, s.help, s.key)
		assert.NotEmpty(t, s.want, s.key)
	}
}

func TestRedacted(t *testing.T) {
	c, err := load(t, "", nil, "--registry-mirror", "robot:hunter2@mirror.test:5000/cache",
		"--mesh-values", "{global: {imagePullSecrets: [regcred], pilotToken: 12345, hub: docker.test, key: '-----BEGIN PRIVATE KEY-----'}}")
	require.NoError(t, err)
	r := c.Redacted()
	assert.Equal(t, "redacted@mirror.test:5000/cache", r["bundle"].(map[string]any)["mirror"])
	global := r["mesh"].(map[string]any)["values"].(map[string]any)["global"]
	assert.Equal(t, map[string]any{"imagePullSecrets": []any{"redacted"}, "pilotToken": "redacted", "hub": "docker.test", "key": "redacted"}, global)
	assert.Equal(t, 1, r["cluster"].(map[string]any)["nodes"])
	assert.Equal(t, "30s", r["budget"].(map[string]any)["programmed"])
	assert.Equal(t, 12345, c.Mesh.Values["global"].(map[string]any)["pilotToken"], "the configuration itself is left as it is")
}

func TestTheDocumentationIsThatOfTheTable(t *testing.T) {
	const page = "../../docs/configuration.md"
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(page), 0o755))
		require.NoError(t, os.WriteFile(page, []byte(Markdown()), 0o644))
	}
	have, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.True(t, Markdown() == string(have), "docs/configuration.md is out of date: go test ./framework/config -update")
}

package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBadValuesAreNamedWithKeyWantGotAndOrigin(t *testing.T) {
	cases := []struct {
		name, file string
		environ    []string
		args       []string
		want       string
	}{
		{"range", "", []string{"MESHGATE_NODES=7"}, nil,
			`cluster.nodes: want a whole number from 1 to 5, got "7" (environment MESHGATE_NODES)`},
		{"no number", "", nil, []string{"--nodes", "two"},
			`cluster.nodes: want a whole number from 1 to 5, got "two" (flag --nodes)`},
		{"choice", "cluster:\n  provider: minikube\n", nil, nil,
			`cluster.provider: want kind or existing, got "minikube" (meshgate.yaml:2)`},
		{"version of istio", "mesh: {version: 1.30}", nil, nil,
			`mesh.version: want "1.31" or "1.22", the versions of flavour istio, got "1.30" (meshgate.yaml:1)`},
		{"label", "names: {bookinfo_namespace: Book_Info}", nil, nil,
			`names.bookinfo_namespace: want a DNS-1123 label (a-z, 0-9 and -, at most 63), got "Book_Info" (meshgate.yaml:1)`},
		{"empty label", "names: {control_plane_name: ''}", nil, nil,
			`names.control_plane_name: want a DNS-1123 label (a-z, 0-9 and -, at most 63) (meshgate.yaml:1): nothing is set`},
		{"duration", "budget: {probe: 5}", nil, nil,
			`budget.probe: want a duration from 100ms to 2h, such as 90s, got "5" (meshgate.yaml:1)`},
		{"retain", "", nil, []string{"--retain", "-1"}, `run.retain: want a whole number from 0 to 10000, got "-1" (flag --retain)`},
		{"hold", "", nil, []string{"--hold=25h"}, `run.hold: want a duration up to 24h, such as 30m (the flag alone: 1h), got "25h" (flag --hold)`},
		{"hold, variable", "", []string{"MESHGATE_HOLD=true"}, nil, `run.hold: want a duration up to 24h, such as 30m (the flag alone: 1h), got "true" (environment MESHGATE_HOLD)`},
		{"factor", "", nil, []string{"--slow", "0"}, `run.slow: want a number from 0.1 to 20, got "0" (flag --slow)`},
		{"not a number", "", nil, []string{"--slow", "NaN"}, `run.slow: want a number from 0.1 to 20, got "NaN" (flag --slow)`},
		{"bool", "", []string{"MESHGATE_KEEP=yes"}, nil, `run.keep: want true or false, got "yes" (environment MESHGATE_KEEP)`},
		{"regexp", "", nil, []string{"--feature", "(a"}, `run.feature: want a regular expression, got "(a" (flag --feature): error parsing regexp`},
		{"pairs", "", nil, []string{"--labels", "a=1,a=2"}, `run.labels: want key=value pairs separated by commas, got "a=1,a=2" (flag --labels)`},
		{"list", "", nil, []string{"--suite", "a,,b"}, `run.suites: want names separated by commas, got "a,,b" (flag --suite)`},
		{"yaml text", "", nil, []string{"--mesh-values", "pilot"}, `mesh.values: want a YAML mapping, such as {pilot: {replicaCount: 2}}, got "pilot" (flag --mesh-values): yaml: `},
		{"yaml key", "", nil, []string{"--mesh-values", "{pilot: {1: a}}"}, `mesh.values: want a YAML mapping`},
		{"list for text", "cluster: {name: [a]}", nil, nil, `cluster.name: want a DNS-1123 label (a-z, 0-9 and -, at most 63) (meshgate.yaml:1): it is a list`},
		{"nothing for text", "cluster: {name: }", nil, nil, `(meshgate.yaml:1): nothing is set`},
		{"text for section", "cluster: kind", nil, nil, `cluster: want a mapping, got "kind" (meshgate.yaml:1): it is a plain value`},
		{"list of lists", "run: {suites: [[a]]}", nil, nil, `run.suites: want names separated by commas (meshgate.yaml:1): it is a list`},
		{"mirror", "", nil, []string{"--registry-mirror", "https://mirror.test"}, `bundle.mirror: want a registry, host[:port][/prefix] without a scheme, got "https://mirror.test"`},
		{"missing file", "", nil, []string{"--provider=existing", "--kubeconfig", "gone"}, `cluster.kubeconfig: want a file that can be read, got "gone" (flag --kubeconfig): stat gone`},
		{"archive", "", nil, []string{"--bundle", "archive"}, `bundle.archive: want the file to read, because bundle.source is archive`},
		{"no archive", "", nil, []string{"--bundle", "source", "--archive", "config.go"}, `bundle.archive: want nothing, because bundle.source is source, got "config.go" (flag --archive)`},
		{"kubeconfig for kind", "", nil, []string{"--kubeconfig", "config.go"}, `cluster.kubeconfig: want nothing, or cluster.provider existing (--provider existing), got "config.go" (flag --kubeconfig)`},
		{"duplicate", "cluster: {nodes: 1, nodes: 2}", nil, nil, `cluster.nodes: want each key once, got "nodes" (meshgate.yaml:1)`},
		{"two documents", "cluster: {nodes: 1}\n---\n{}", nil, nil, `file of settings: want one YAML document (meshgate.yaml): there is more after the first`},
		{"no yaml", "cluster: {", nil, nil, `file of settings: want YAML (meshgate.yaml): yaml: `},
		{"no file", "", []string{"MESHGATE_CONFIG=gone.yaml"}, nil, `file of settings: want a file that can be read, got "gone.yaml" (environment MESHGATE_CONFIG)`},
		{"unknown field", "cluster: {nods: 1}", nil, nil, `unknown field cluster.nods (meshgate.yaml:1); the nearest there is: cluster.nodes`},
		{"wrong section", "nodes: 1", nil, nil, `unknown field nodes (meshgate.yaml:1); the nearest there is: cluster.nodes`},
		{"unknown variable", "", []string{"MESHGATE_CLUSTR=x"}, nil, `unknown variable MESHGATE_CLUSTR (environment); the nearest there is: MESHGATE_CLUSTER`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, c.file, c.environ, c.args...)
			var usage *UsageError
			require.ErrorAs(t, err, &usage)
			assert.Contains(t, err.Error(), c.want)
			assert.Len(t, usage.Problems, 1)
		})
	}
}

func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	_, err := load(t, "cluster: {nodes: 9, nods: 1}", []string{"MESHGATE_ENGINE=crio", "MESHGATE_X=1"})
	var usage *UsageError
	require.ErrorAs(t, err, &usage)
	assert.Len(t, usage.Problems, 4)
	assert.Equal(t, 3, strings.Count(err.Error(), "\n"))
}

func TestAnExistingClusterMustBeFound(t *testing.T) {
	home := t.TempDir()
	environ := []string{"HOME=" + home}
	_, err := load(t, "", environ, "--provider", "existing")
	require.ErrorContains(t, err, "cluster.kubeconfig: want a kubeconfig, because cluster.provider is existing (flag --provider): none of these can be read: "+home)

	require.NoError(t, os.MkdirAll(filepath.Join(home, ".kube"), 0o700))
	file := filepath.Join(home, ".kube", "config")
	require.NoError(t, os.WriteFile(file, []byte("{}"), 0o600))
	c, err := load(t, "", environ, "--provider", "existing", "--context", "prod")
	require.NoError(t, err)
	assert.Equal(t, "prod", c.Cluster.Context)

	_, err = load(t, "", append(environ, "KUBECONFIG="+filepath.Join(home, "gone")), "--provider", "existing")
	require.ErrorContains(t, err, "gone", "$KUBECONFIG goes before the user's own")
	_, err = load(t, "", []string{"KUBECONFIG=gone:" + file}, "--provider", "existing")
	require.NoError(t, err, "one of a list is enough")
	_, err = load(t, "", nil, "--provider", "existing")
	require.ErrorContains(t, err, "HOME is not set")
}

func TestAnExistingMeshMayHaveAnyVersion(t *testing.T) {
	c, err := load(t, "", nil, "--mesh", "existing")
	require.NoError(t, err)
	assert.Empty(t, c.Mesh.Version)
	c, err = load(t, "", nil, "--mesh", "existing", "--mesh-version", "1.27")
	require.NoError(t, err)
	assert.Equal(t, "1.27", c.Mesh.Version)
}

func TestUnknownFlagSuggestsTheNearest(t *testing.T) {
	fs := pflag.NewFlagSet("meshgate", pflag.ContinueOnError)
	Flags(fs, "run", nil)
	err := FlagError(fs, fs.Parse([]string{"--kubeconfg", "x"}))
	var usage *UsageError
	require.ErrorAs(t, err, &usage)
	assert.EqualError(t, err, "unknown flag --kubeconfg (command line); the nearest there is: --kubeconfig")

	err = FlagError(fs, fs.Parse([]string{"--nodes"}))
	require.ErrorAs(t, err, &usage)
	assert.EqualError(t, err, "flags: want flags as --help lists them (command line): flag needs an argument: --nodes")
	assert.NoError(t, FlagError(fs, nil))
	assert.True(t, errors.Is(FlagError(fs, pflag.ErrHelp), pflag.ErrHelp))
}

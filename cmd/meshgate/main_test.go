package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meshgate/framework/report"
	"meshgate/framework/testbed"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// call is one command line, as a user gives it who has no container engine.
type call struct {
	t       *testing.T
	dir     string
	environ []string
}

func newCall(t *testing.T, environ ...string) *call {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("PATH", filepath.Join(dir, "no-programs"))
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Chdir(dir)
	return &call{t, dir, append([]string{"HOME=" + dir}, environ...)}
}

// asCommand makes this test binary behave as the command itself.
const asCommand = "TEST_BINARY_AS_COMMAND"

// TestMain lets a command line run in a process of its own: one that runs suites takes
// package testing's machinery for itself, which a process has only once.
func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"meshgate": main})
}

// says runs the command line and returns its exit code, and what it wrote to
// standard output and standard error.
func (c *call) says(args ...string) (code int, out, errOut string) {
	c.t.Helper()
	self, err := os.Executable()
	require.NoError(c.t, err)
	var stdout, stderr bytes.Buffer
	child := exec.CommandContext(c.t.Context(), self, args...)
	child.Stdout, child.Stderr = &stdout, &stderr
	child.Env = append([]string{asCommand + "=1", "PATH=" + os.Getenv("PATH"), "XDG_CACHE_HOME=" + os.Getenv("XDG_CACHE_HOME")}, c.environ...)
	if err := child.Run(); err != nil {
		var exit *exec.ExitError
		require.ErrorAs(c.t, err, &exit)
	}
	return child.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func (c *call) file(name, content string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	require.NoError(c.t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestWhatIsWrongOnTheCommandLineIsNamedWithTheNearest(t *testing.T) {
	for name, c := range map[string]struct {
		args, environ []string
		want          string
	}{
		"command":         {[]string{"rnu"}, nil, `unknown command "rnu": did you mean "run"? (meshgate --help lists them)`},
		"no such command": {[]string{"teleport"}, nil, `unknown command "teleport" (meshgate --help lists them)`},
		"below bundle":    {[]string{"bundle", "lst"}, nil, `unknown command "lst": did you mean "list"?`},
		"flag":            {[]string{"run", "--kubeconfg", "x"}, nil, "unknown flag --kubeconfg (command line); the nearest there is: --kubeconfig"},
		"flag of another": {[]string{"run", "--nth", "1"}, nil, "unknown flag --nth"},
		"variable":        {[]string{"run"}, []string{"MESHGATE_CLUSTR=x"}, "unknown variable MESHGATE_CLUSTR (environment); the nearest there is: MESHGATE_CLUSTER"},
		"field":           {[]string{"run", "--config", "bad.yaml"}, nil, "unknown field cluster.nods (bad.yaml:2); the nearest there is: cluster.nodes"},
		"value":           {[]string{"run", "--nodes", "many"}, nil, `cluster.nodes: want a whole number from 1 to 5, got "many" (flag --nodes)`},
		"suite":           {[]string{"run", "--suite", "basic-gatway"}, nil, `suite: want one of [basic-gateway`},
		"sabotage, suite": {[]string{"sabotage", "--suite", "no-such"}, nil, `got "no-such"`},
		"sabotage, nth":   {[]string{"sabotage", "--nth", "-1"}, nil, "--nth: want 0 or more, got -1"},
		"arguments":       {[]string{"run", "basic-gateway"}, nil, "meshgate run: got 1 arguments: usage: meshgate run [flags]"},
		"no argument":     {[]string{"bundle", "save"}, nil, "meshgate bundle save: got 0 arguments: usage: meshgate bundle save FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			u := newCall(t, c.environ...)
			u.file("bad.yaml", "cluster:\n  nods: 2\n")
			code, out, told := u.says(c.args...)
			assert.Equal(t, report.ExitUsage, code)
			assert.Contains(t, told, "meshgate: ")
			assert.Contains(t, told, c.want)
			assert.Empty(t, out)
			assert.NoDirExists(t, filepath.Join(u.dir, "report"), "nothing was begun")
		})
	}
}

const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://ADDRESS"}}]
users: [{name: u, user: {}}]
contexts: [{name: stage, context: {cluster: c, user: u}}, {name: prod, context: {cluster: c, user: u}}]
current-context: prod
`

// nobody is an address where nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestAClusterOutOfReachIsInfrastructureAndSaysWhatToCheck(t *testing.T) {
	address := nobody(t)
	for name, c := range map[string]struct {
		file, context string
		want          []string
	}{
		"unreachable":   {strings.ReplaceAll(kubeconfig, "ADDRESS", address), "stage", []string{"API server http://" + address + " does not answer", "connection refused", "check the cluster, the kubeconfig and the credentials"}},
		"wrong context": {kubeconfig, "prd", []string{`context: want "prd", got only [prod, stage]: choose one with --context`}},
		"garbage":       {"no yaml: [", "prod", []string{"kubeconfig "}},
	} {
		t.Run(name, func(t *testing.T) {
			u := newCall(t)
			args := []string{"--provider", "existing", "--mesh", "existing", "--kubeconfig", u.file("k", c.file), "--context", c.context}
			code, out, told := u.says(append([]string{"run"}, args...)...)
			assert.Equal(t, report.ExitInfrastructure, code, told)
			run, err := report.Read(filepath.Join(u.dir, "report", report.FileLatest, report.FileJSON))
			require.NoError(t, err)
			assert.Equal(t, report.OutcomeInfrastructure, run.Verdict.Outcome)
			for _, want := range c.want {
				assert.Contains(t, run.Verdict.Sentence, want)
				assert.Contains(t, flat(out), want, "the summary says it")
			}
			code, _, told = u.says(append([]string{"down"}, args...)...)
			assert.Equal(t, report.ExitInfrastructure, code)
			assert.Contains(t, told, c.want[0])
			assert.NoDirExists(t, filepath.Join(u.dir, "cache", "meshgate", "bundle"), "nothing was fetched")
		})
	}
}

// flat takes the line breaks out of text that was wrapped.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestAFeatureThatDoesNotExistIsInconclusiveAndNothingIsCreated(t *testing.T) {
	u := newCall(t)
	code, out, told := u.says("run", "--feature", "NoSuchFeature")
	assert.Equal(t, report.ExitInconclusive, code, told)
	assert.Contains(t, out, "NoSuchFeature")
	assert.NoDirExists(t, filepath.Join(u.dir, "cache"), "neither cluster nor bundle was begun")
	assert.Empty(t, strings.TrimSpace(told), "no phase was begun")
}

func TestAReportThatCannotBeWrittenIsSaidBeforeAnythingIsBegun(t *testing.T) {
	u := newCall(t)
	u.file("taken", "a file is in the way")
	code, _, told := u.says("run", "--report", filepath.Join(u.dir, "taken", "report"))
	assert.Equal(t, report.ExitInfrastructure, code)
	assert.Contains(t, told, "report directory: ")
	assert.Contains(t, told, "choose another with --report")
	assert.NoDirExists(t, filepath.Join(u.dir, "cache"))
}

func TestAnInterruptionHasItsOwnExitCode(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(&testbed.Interrupted{Signal: os.Interrupt})
	assert.Equal(t, report.ExitInterrupted, codeOf(ctx, context.Canceled))
	assert.Equal(t, report.ExitUsage, codeOf(ctx, &commandError{"no such suite"}))
	assert.Equal(t, report.ExitInfrastructure, codeOf(context.Background(), context.Canceled))
}

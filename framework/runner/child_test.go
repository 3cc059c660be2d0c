package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"meshgate/framework/suite"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"meshgate/framework/config"
	"meshgate/framework/kube"
	"meshgate/framework/kube/kubetest"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/progress"
	"meshgate/framework/report"
	"meshgate/framework/testbed"
	"meshgate/framework/wait"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/e2e-framework/pkg/envconf"
)

// Features that fail, panic or are interrupted run in a process of their own: in
// this one they would fail the test that looks at them. The child is this test
// binary; it stands on an API server in memory.
const (
	childScenario = "MESHGATE_SUITE_TEST_SCENARIO"
	childDir      = "MESHGATE_SUITE_TEST_DIR"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(childScenario); name != "" {
		code, err := child(name, os.Getenv(childDir))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 99
		}
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// world is what a scenario stands on.
type world struct {
	server *kubetest.Server
	opened atomic.Int32
	broken error // of standing up
	noLog  bool  // proxies write no access log
	config config.Config
	asked  atomic.Int32 // how often the step that counts was run
	held   visited
	enter  io.Writer // what somebody types
}

// visited is what somebody saw when a feature was held.
type visited struct {
	Objects []string
	Files   map[string]string // name and mode
}

// outcome is what the child tells its parent in addition to the report.
type outcome struct {
	Opened   int
	Objects  []string
	Requests []string
	Asked    int
	Held     visited
	exit     int
	run      report.Run
	output   string
}

func (w *world) up(context.Context, config.Config, progress.Log, ...mesh.GatewaySpec) (*testbed.Bed, error) {
	w.opened.Add(1)
	if w.broken != nil {
		return nil, w.broken
	}
	k, err := kube.FromREST(w.server.REST())
	if err != nil {
		return nil, err
	}
	var log error
	if w.noLog {
		log = errors.New("accessLogFile is empty")
	}
	return &testbed.Bed{Config: w.config, Kube: k, Cluster: newCluster(), Mesh: &mesh.Mesh{
		Namespace: "istio-system", Ingress: mesh.Gateway{Name: "gw", Namespace: "istio-system", Selector: map[string]string{"istio": "gw"}},
		Capabilities: map[mesh.Capability]error{mesh.SidecarInjection: nil, mesh.AccessLog: log, mesh.Tracing: errors.New("there is no backend")},
	}}, nil
}

// forgetful is a control plane that knows nothing any more.
type forgetful struct{}

func (forgetful) Known(context.Context, time.Duration, mesh.Wanted) (mesh.Mark, error) {
	return mesh.Mark{}, nil
}
func (forgetful) AwaitPushed(context.Context, time.Duration, mesh.Mark, func(mesh.ProxyStatus) bool) error {
	return nil
}
func (forgetful) Close() {}

// child runs one scenario as Main would, with the flags of its command line.
func child(name, dir string) (int, error) {
	testing.Init()
	filter, err := envconf.NewFromFlags()
	if err != nil {
		return 0, err
	}
	w, err := newChildWorld(dir)
	if err != nil {
		return 0, err
	}
	ctx, stop := testbed.Interruptible(context.Background(), os.Stderr)
	defer stop()
	sc := scenarios()[name]
	w.config.Run.Hold = sc.hold
	in, enter := io.Pipe()
	w.enter = enter
	s, o := sc.suite(w), Options{Config: w.config, Filter: filter, Log: progress.Plain(w.watched(sc.visit)), In: in, Out: os.Stdout, Verbose: testing.Verbose(), up: w.up, control: func(*testbed.Bed) controlPlane { return forgetful{} }}
	if sc.limit > 0 {
		ctx, stop = context.WithTimeoutCause(ctx, sc.limit, errors.New("go test -timeout 2s is nearly spent"))
		defer stop()
	}
	code := sc.play(ctx, o, s)
	told, err := json.Marshal(outcome{Opened: int(w.opened.Load()), Objects: w.server.Objects(), Requests: w.server.Requests(), Asked: int(w.asked.Load()), Held: w.held})
	if err != nil {
		return 0, err
	}
	return code, os.WriteFile(filepath.Join(dir, "outcome.json"), told, 0o600)
}

// play has the rounds of the scenario played, and their results follow one another in
// the report. It returns the exit code.
func (sc scenario) play(ctx context.Context, o Options, s suite.Suite) int {
	switch {
	case sc.replay != nil:
		return again(ctx, o, s, *sc.replay)
	case len(sc.rounds) == 0:
		return Run(ctx, o, s).Verdict.Exit
	}
	return RunWith(ctx, o, []suite.Suite{s}, func(session *Session, run *report.Run) error {
		found, err := session.RunRounds(ctx, sc.rounds...)
		run.Suites = slices.Concat(found...)
		return err
	}).Verdict.Exit
}

func newChildWorld(dir string) (*world, error) {
	w := &world{server: kubetest.New()}
	w.config.Budget = wait.DefaultBudget()
	w.config.Budget.Deletion, w.config.Budget.LogFlush = 2*time.Second, time.Second
	w.config.Names.BookinfoNamespace = "bookinfo"
	w.config.Run.Report = filepath.Join(dir, "report")
	gateway := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod"}}
	gateway.SetNamespace("istio-system")
	gateway.SetName("gw-1")
	gateway.SetLabels(map[string]string{"istio": "gw"})
	w.server.SetLog("istio-system", "gw-1", proxyContainer, "")
	return w, errors.Join(w.server.Put(manifest.Namespace("istio-system", nil)), w.server.Put(gateway))
}

// play runs a scenario in a child and returns what became of it.
func play(t *testing.T, name string, flags ...string) outcome {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], flags...)
	cmd.Env = append(os.Environ(), childScenario+"="+name, childDir+"="+dir)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(t, err, &exit, "%s", text)
	}
	var o outcome
	raw, err := os.ReadFile(filepath.Join(dir, "outcome.json"))
	require.NoError(t, err, "%s", text)
	require.NoError(t, json.Unmarshal(raw, &o))
	o.exit, o.output = cmd.ProcessState.ExitCode(), string(text)
	if scenarios()[name].replay != nil {
		assert.NoDirExists(t, filepath.Join(dir, "report"), "a replay is no verdict")
		return o
	}
	o.run, err = report.Read(filepath.Join(dir, "report", report.FileLatest, report.FileJSON))
	require.NoError(t, err)
	return o
}

func (o outcome) feature(t *testing.T, name string) report.Feature {
	t.Helper()
	for _, s := range o.run.Suites {
		for _, f := range s.Features {
			if f.Name == name {
				return f
			}
		}
	}
	require.Fail(t, "no feature "+name, o.output)
	return report.Feature{}
}

// said are the lines of the log that begin so, without their times; that something takes
// long is up to the machine.
func (o outcome) said(beginning string) []string {
	var lines []string
	for line := range strings.Lines(o.output) {
		if _, text, timed := strings.Cut(strings.TrimSpace(line), "Z "); timed && strings.HasPrefix(text, beginning) && !strings.Contains(text, "still waiting for") {
			lines = append(lines, text)
		}
	}
	return lines
}

// index is the place of the first request that begins so, or -1.
func (o outcome) index(beginning string) int {
	for i, r := range o.Requests {
		if strings.HasPrefix(r, beginning) {
			return i
		}
	}
	return -1
}

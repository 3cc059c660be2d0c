package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"meshgate/framework/suite"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/kube"
	"meshgate/framework/kube/kubetest"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/replay"
	"meshgate/framework/report"
	"meshgate/framework/testbed"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// watched is a log on which somebody who is shown a held feature looks around, and then
// does what the scenario says.
func (w *world) watched(visit func(*world)) io.Writer {
	return watcher(func(line []byte) {
		if m := leaving.FindSubmatch(line); m != nil {
			w.held = visited{w.server.Objects(), modes(string(m[1]))}
			if visit != nil {
				visit(w)
			}
		}
	})
}

// leaving is the last line of what is shown, with the folder of the files.
var leaving = regexp.MustCompile(`Enter goes on.* with (\S+)\.\n`)

type watcher func([]byte)

func (see watcher) Write(line []byte) (int, error) {
	n, err := os.Stdout.Write(line)
	see(line)
	return n, err
}

func modes(dir string) map[string]string {
	all := map[string]string{}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			if st, err := d.Info(); err == nil {
				all[strings.TrimPrefix(path, filepath.Dir(dir)+"/")] = st.Mode().String()
			}
		}
		return nil
	})
	return all
}

func enter(w *world) { _, _ = io.WriteString(w.enter, "\n") }

// addGateway does what a person might do meanwhile: apply another Gateway next to the feature's own.
func addGateway(w *world) {
	gateway := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod"}}
	gateway.SetNamespace("istio-system")
	gateway.SetName("gw-2")
	gateway.SetLabels(map[string]string{"istio": "gw"})
	_ = w.server.Put(gateway)
	enter(w)
}

func interrupt(*world) { _ = syscall.Kill(os.Getpid(), syscall.SIGINT) }

// again replays, and gives the exit code that the command gives.
func again(ctx context.Context, o Options, s suite.Suite, t replay.Target) int {
	err := Replay(ctx, o, []suite.Suite{s}, t)
	switch {
	case err == nil:
		return 0
	case testbed.Signal(ctx) != "":
		return report.ExitInterrupted
	}
	fmt.Println(err)
	return report.ExitInfrastructure
}

// failedAt is the failure of an earlier run.
func failedAt(feature, step string) replay.Target {
	t := replay.Target{Run: "run-1", Suite: "s", Feature: feature}
	t.Facts.Mesh.Version = "1.22.8"
	t.Step = report.Step{Name: step, Status: report.Fail, Failure: &report.Failure{Message: `status: want "200", got "404"`}}
	return t
}

// asking is a feature whose request is refused: nobody listens.
func asking() suite.Feature {
	r := probe.GET("https://h.example.com/it's")
	r.Connect, r.Header = "127.0.0.1:1", map[string][]string{"Cookie": {"secret"}}
	return promise("Asks", suite.Now("answers", suite.Ask(r, expect.Status(200))))
}

// acting does something before the step that counts, and must do nothing after it.
func acting(w *world, before error) suite.Feature {
	return promise("Acts", does("act", func(ctx context.Context, e *environment) error {
		return errors.Join(e.make(ctx, manifest.ConfigMap(e.Namespace("bookinfo"), "acted", nil)), before)
	}), holds("see", func(context.Context, *environment) error {
		w.asked.Add(1)
		return errMesh
	}), does("act again", func(context.Context, *environment) error {
		w.asked.Add(1)
		return nil
	}))
}

func heldScenarios() map[string]scenario {
	act := func(before error, step string, visit func(*world)) scenario {
		t := failedAt("Acts", step)
		return scenario{suite: func(w *world) suite.Suite { return of(acting(w, before), promise("Other", holds("see", nothing))) }, replay: &t, visit: visit}
	}
	traced := promise("Traced", holds("see", nothing))
	traced.Needs = []mesh.Capability{mesh.Tracing}
	skipped, asked, last := failedAt("Traced", stepCleanup), failedAt("Asks", "answers"), failedAt("Green", stepCleanup)
	limited := act(nil, "see", nil)
	limited.hold = 100 * time.Millisecond
	green := promise("Green", holds("see", nothing))
	hold := func(s suite.Suite, limit time.Duration, visit func(*world)) scenario {
		return scenario{suite: func(*world) suite.Suite { return s }, hold: limit, visit: visit}
	}
	return map[string]scenario{
		"held":                  hold(of(asking(), green), time.Hour, enter),
		"held, limit":           hold(of(asking()), 100*time.Millisecond, nil),
		"held, changed by hand": hold(of(asking()), time.Hour, addGateway),
		"held, interrupted":     hold(of(asking()), time.Hour, interrupt),
		"held, two red":         hold(of(asking(), promise("Red", holds("see", fails))), time.Hour, enter),
		"held, green":           hold(of(green), time.Hour, nil),
		"replayed":              act(nil, "see", enter),
		"replayed, limit":       limited,
		"replayed, given":       act(nil, stepSetup, enter),
		"replayed, cleanup":     {suite: func(*world) suite.Suite { return of(green) }, replay: &last, visit: enter},
		"replayed, ended":       act(nil, "see", interrupt),
		"replayed, earlier":     act(errMesh, "see", enter),
		"replayed, skipped":     {suite: func(*world) suite.Suite { return of(traced) }, replay: &skipped},
		"replayed, requests":    {suite: func(*world) suite.Suite { return of(asking()) }, replay: &asked, visit: enter},
		"replayed, no bed":      {suite: func(w *world) suite.Suite { w.broken = errors.New("no room on the disk"); return of(asking()) }, replay: &asked},
	}
}

const (
	givenAsks = "ConfigMap bookinfo-s/given-asks"
	givenActs = "ConfigMap bookinfo-s/given-acts"
	acted     = "ConfigMap bookinfo-s/acted"
	curlLine  = " --cacert DIR/ca.pem -H @DIR/header -H 'user-agent: meshgate-probe/1 (ID)' -H 'x-request-id: ID' -H accept: " +
		"--connect-to h.example.com:443:127.0.0.1:1 'https://h.example.com/it'\\''s'"
)

// shown is the output with what differs from run to run replaced.
func (o outcome) shown() string {
	text := o.output
	for is, name := range map[string]string{`[^ @]*/meshgate-\d+`: "DIR", `[0-9a-f]{8}-[0-9a-f-]{27}`: "ID"} {
		text = regexp.MustCompile(is).ReplaceAllString(text, name)
	}
	return text
}

func TestTheFirstFailureIsHeldAsItIsUntilItIsLetGo(t *testing.T) {
	t.Parallel()
	o := play(t, "held")
	assert.Equal(t, report.ExitFail, o.exit, o.output)
	assert.Contains(t, o.Held.Objects, givenAsks, "what it stands on is there")
	assert.Equal(t, untouched, o.Objects, "and gone afterwards")
	for _, want := range []string{
		`held: s/Asks, whose step "answers" failed: `, curlLine,
		"kubectl --kubeconfig '/home/me/kube config' --context memory -n bookinfo-s get pods", " -n istio-system get pods",
	} {
		assert.Contains(t, o.shown(), want)
	}
	assert.NotContains(t, o.output, "secret")
	var got []string
	for name, mode := range o.Held.Files {
		got = append(got, mode+" "+filepath.Base(name))
		assert.NoFileExists(t, filepath.Join(os.TempDir(), name))
	}
	assert.Len(t, got, 3)
	assert.Subset(t, got, []string{"-rw------- ca.pem", "-rw------- header"}, "nobody else reads them")
	f := o.feature(t, "Asks")
	require.NotEmpty(t, f.Steps[1].Evidence)
	assert.Less(t, o.index("GET /api/v1/namespaces/bookinfo-s/configmaps"), o.index(deleteGiven+"asks"))
	assert.Equal(t, report.Pass, o.feature(t, "Green").Status, "the others go on")
	held := o.run.Phases[len(o.run.Phases)-1]
	assert.Equal(t, []string{"released"}, held.Notes, "the report says that the run was held")
	assert.Equal(t, "held: s/Asks", held.Name)
}

func TestWhatAPersonDoesMeanwhileDoesNotExcuseTheFailure(t *testing.T) {
	t.Parallel()
	o := play(t, "held, changed by hand")
	assert.Contains(t, o.Objects, "Pod istio-system/gw-2", o.output)
	assert.Equal(t, report.ExitFail, o.exit, o.output)
	assert.Equal(t, report.Fail, o.feature(t, "Asks").Status)
}

func TestAHoldEndsByItself(t *testing.T) {
	t.Parallel()
	o := play(t, "held, limit")
	assert.Equal(t, report.ExitFail, o.exit, o.output)
	assert.Contains(t, o.output, "100ms have passed")
	assert.Equal(t, untouched, o.Objects)
}

func TestARunThatIsInterruptedWhileItIsHeldIsCleanedUp(t *testing.T) {
	t.Parallel()
	o := play(t, "held, interrupted")
	assert.Equal(t, report.ExitInterrupted, o.exit, o.output)
	assert.Contains(t, o.Held.Objects, givenAsks)
	assert.Equal(t, untouched, o.Objects)
}

func TestOnlyTheFirstFailureIsHeld(t *testing.T) {
	t.Parallel()
	o := play(t, "held, two red")
	assert.Equal(t, report.ExitFail, o.exit, o.output)
	assert.Equal(t, 1, strings.Count(o.output, "Enter goes on"))
}

func TestWhatIsGreenIsNotHeld(t *testing.T) {
	t.Parallel()
	o := play(t, "held, green")
	assert.Equal(t, report.ExitPass, o.exit, o.output)
	assert.NotContains(t, o.output, "held")
}

func TestAReplayStopsBeforeTheStepThatFailed(t *testing.T) {
	t.Parallel()
	o := play(t, "replayed")
	assert.Zero(t, o.exit, o.output)
	assert.Zero(t, o.Asked, "neither it nor what comes after is asked")
	assert.Subset(t, o.Held.Objects, []string{givenActs, acted}, "the steps before it are")
	assert.Equal(t, untouched, o.Objects)
	assert.Negative(t, o.index(applyGiven+"other"), "no other feature is")
	for _, want := range []string{
		`held: s/Acts, before its step "see", which failed in run run-1: status: want "200", got "404"`,
		`this differs from the cluster and mesh of run run-1: mesh " " instead of " 1.22.8"`,
		"the step is more than a request, and has no command",
	} {
		assert.Contains(t, o.output, want)
	}
}

func TestAReplayShowsTheRequestsOfTheStep(t *testing.T) {
	t.Parallel()
	o := play(t, "replayed, requests")
	assert.Zero(t, o.exit, o.output)
	assert.Contains(t, o.shown(), curlLine)
	assert.Equal(t, untouched, o.Objects)
}

func TestAReplayEndsByItself(t *testing.T) {
	t.Parallel()
	o := play(t, "replayed, limit")
	assert.Zero(t, o.exit, o.output)
	assert.Contains(t, o.output, "100ms have passed")
	assert.Equal(t, untouched, o.Objects)
}

func TestAReplayStopsAlsoBeforeWhatIsGivenAndBeforeTheCleanup(t *testing.T) {
	t.Parallel()
	o := play(t, "replayed, given")
	assert.Zero(t, o.exit, o.output)
	assert.NotContains(t, o.Held.Objects, givenActs)
	assert.Contains(t, o.Held.Objects, "ConfigMap bookinfo-s/shared")
	assert.Equal(t, untouched, o.Objects)

	o = play(t, "replayed, cleanup")
	assert.Zero(t, o.exit, o.output)
	assert.Contains(t, o.Held.Objects, "ConfigMap bookinfo-s/given-green")
	assert.Equal(t, untouched, o.Objects)
}

func TestAReplayThatIsInterruptedIsCleanedUp(t *testing.T) {
	t.Parallel()
	o := play(t, "replayed, ended")
	assert.Equal(t, report.ExitInterrupted, o.exit, o.output)
	assert.Contains(t, o.Held.Objects, acted)
	assert.Equal(t, untouched, o.Objects)
}

func TestAReplayThatFailsEarlierIsHeldThereAndSaysSo(t *testing.T) {
	t.Parallel()
	o := play(t, "replayed, earlier")
	assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
	assert.Zero(t, o.Asked)
	assert.Contains(t, o.Held.Objects, acted)
	assert.Equal(t, untouched, o.Objects)
	assert.Contains(t, o.output, `held: s/Acts, whose step "act" failed, earlier than in run run-1, where "see" did: status: want "200"`)
	assert.Contains(t, o.output, `s/Acts was not replayed as far as its step "see"`)
}

func TestAReplayThatCannotBeginSaysWhy(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"replayed, skipped": "s/Traced is not asked on this mesh: capability Tracing: there is no backend",
		"replayed, no bed":  "no room on the disk",
	} {
		o := play(t, name)
		assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
		assert.Contains(t, o.output, want)
		assert.NotContains(t, o.output, "held")
		assert.Equal(t, untouched, o.Objects)
	}
}

func TestWhatThisProgramDoesNotHaveIsNotReplayed(t *testing.T) {
	for want, target := range map[string]replay.Target{
		"run run-1 asked suite t, which this meshgate does not have":                     {Run: "run-1", Suite: "t", Feature: "Asks"},
		"run run-1 asked s/Gone, which this meshgate does not have":                      failedAt("Gone", "answers"),
		`s/Asks failed in run run-1 at step "gone", which this meshgate does not have: `: failedAt("Asks", "gone"),
		"the steps here: setup; answers; every request":                                  failedAt("Asks", "gone"),
	} {
		w := &world{broken: errors.New("never")}
		err := Replay(t.Context(), Options{up: w.up}, []suite.Suite{of(asking())}, target)
		require.ErrorContains(t, err, want)
		assert.Zero(t, w.opened.Load())
	}
}

func TestEachRequestOfAStepIsShown(t *testing.T) {
	e, _ := facing(t, 200)
	agent := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod"}}
	agent.SetNamespace("shop")
	agent.SetName("agent-1")
	agent.SetLabels(map[string]string{"app": "agent"})
	server := kubetest.New()
	require.NoError(t, server.Put(agent))
	var err error
	e.kube, err = kube.FromREST(server.REST())
	require.NoError(t, err)
	s := &reproGuide{run: &featureRun{feature: suite.Feature{Steps: []suite.Step{
		suite.Now("both", suite.Ask(probe.GET("https://h.example.com/")), suite.Ask(probe.GET("http://h.example.com:8080/")),
			suite.Ask(probe.GET("http://h/")).From("shop", "agent"), suite.Ask(probe.GET("http://h/")).From("shop", "gone")),
		suite.Now("late", suite.AskLate(func(suite.Env) probe.Request { panic("too early") })),
	}}, env: e}}
	s.requestCommands(t.Context(), "both", nil)
	require.Len(t, s.lines, 6)
	assert.Contains(t, s.lines[1], "--connect-to h.example.com:443:192.0.2.1:30443")
	assert.Contains(t, s.lines[2], "this one has no command: gateway istio-system/gw: want port 8080")
	assert.Equal(t, []string{"  # http://h/, as the agent in shop/agent-1 asks it",
		"  kubectl -n shop exec -i agent-1 -c agent -- /app probe <request.json"}, s.lines[3:5])
	assert.Contains(t, s.lines[5], "this one has no command: no pod in shop matches app=gone")
	s.lines = nil
	s.requestCommands(t.Context(), "late", nil)
	assert.Contains(t, s.lines[1], "this one has no command: panic: too early")
	s.requestCommands(t.Context(), "none", &report.Failure{Observation: []byte(`{"request": {"method": "GET", "url": "http://h/", "via": "outside"}}`)})
	assert.Contains(t, s.lines[2], "it asked outside, GET http://h/ at its own address")
	var shown bytes.Buffer
	s.files.Dir = filepath.Join(t.TempDir(), "gone")
	s.show(&shown)
	assert.Contains(t, shown.String(), "not written: ")
}

package runner

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"meshgate/framework/suite"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"meshgate/framework/config"
	"meshgate/framework/evidence"
	"meshgate/framework/mesh"
	"meshgate/framework/progress"
	"meshgate/framework/report"
	"meshgate/framework/report/render"
	"meshgate/framework/report/render/summary"
	"meshgate/framework/testbed"

	"k8s.io/klog/v2"
	"sigs.k8s.io/e2e-framework/pkg/envconf"
)

// Options are what a run needs to be told.
type Options struct {
	Config config.Config
	// Filter holds e2e-framework's own selection of features; nil selects by Config.
	Filter *envconf.Config
	Log    progress.Log
	// Out gets the summary; tests' own output goes to Output, if set.
	Out    io.Writer
	Output *os.File
	// Verbose also tells what became of each step.
	Verbose bool
	// NoEvidence captures none.
	NoEvidence bool
	// In is where a line lets go what is held; nil: only time does.
	In io.Reader

	// up stands the bed up; nil means testbed.Up.
	up func(context.Context, config.Config, progress.Log, ...mesh.GatewaySpec) (*testbed.Bed, error)
	// control is what is asked about the control plane; nil means that of the mesh.
	control func(*testbed.Bed) controlPlane
}

// Main is the whole of a suite's TestMain: it reads e2e-framework's flags and the
// environment, stands up what is needed, runs the suite, writes the report and
// returns the exit code of the verdict. The argument is only there to stand in
// TestMain; see gotest.go for why it is not run.
func Main(_ *testing.M, s suite.Suite) int {
	testing.Init()
	filter, err := envconf.NewFromFlags()
	if err != nil {
		return usage(err)
	}
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return usage(err)
	}
	if picked := cfg.Run.Suites; len(picked) > 0 && !slices.Contains(picked, s.Name) {
		return usage(fmt.Errorf("suites asked for: %s, but this package is suite %s: test another package, or use `meshgate run --suite`", strings.Join(picked, ", "), s.Name))
	}
	if cfg.Run.Report, err = inCheckout(cfg.Run.Report); err != nil {
		return usage(err)
	}
	log := talk()
	ctx, stop := testbed.Interruptible(context.Background(), progress.Lines(log))
	defer stop()
	ctx, stop = beforeTestTimeout(ctx)
	defer stop()
	return Run(ctx, Options{Config: cfg, Filter: filter, Log: log, In: os.Stdin, Out: os.Stdout, Verbose: testing.Verbose()}, s).Verdict.Exit
}

// talk is the log of `go test`. What -v has package testing print meanwhile would be drawn
// over by live lines.
func talk() progress.Log {
	if testing.Verbose() {
		return progress.Plain(os.Stderr)
	}
	return progress.For(os.Stderr)
}

// inCheckout makes a relative path one below the module's root: `go test` runs each
// package in its own folder, and all of them write one report.
func inCheckout(path string) (string, error) {
	if filepath.IsAbs(path) {
		return path, nil
	}
	for dir, err := os.Getwd(); ; dir = filepath.Dir(dir) {
		if err != nil {
			return "", fmt.Errorf("report directory %s: %w", path, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, path), nil
		}
		if dir == filepath.Dir(dir) {
			return filepath.Abs(path)
		}
	}
}

func usage(err error) int {
	fmt.Fprintln(os.Stderr, "meshgate:", err)
	return report.ExitUsage
}

// cleanupReserve is kept from `go test -timeout` for evidence and cleanup.
const cleanupReserve = 90 * time.Second

// beforeTestTimeout ends the context before `go test` would kill the process with
// everything it has made still standing.
func beforeTestTimeout(ctx context.Context) (context.Context, func()) {
	f := flag.Lookup("test.timeout")
	if f == nil {
		return ctx, func() {}
	}
	limit, err := time.ParseDuration(f.Value.String())
	if err != nil || limit <= cleanupReserve {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, limit-cleanupReserve, fmt.Errorf("go test -timeout %s is nearly spent", limit))
}

// Run runs suites side by side on one mesh and returns the judged report, which it has
// written and summarised. Nothing is stood up before a feature was selected.
func Run(ctx context.Context, o Options, suites ...suite.Suite) report.Run {
	return RunWith(ctx, o, suites, func(s *Session, run *report.Run) error {
		results, err := s.runRounds(ctx, true, Round{})
		run.Suites = results[0]
		return err
	})
}

// RunWith calls a plan with a session of suites that share one mesh, and returns the judged
// report of what the plan wrote into it. Whatever was made is removed then.
func RunWith(ctx context.Context, o Options, suites []suite.Suite, plan func(*Session, *report.Run) error) report.Run {
	s := newSession(o)
	if limit := o.Config.Run.Hold; limit > 0 {
		s.stop = newStop(o, limit, nil)
	}
	run := report.Run{
		Started: time.Now(), Meshgate: build(), Command: os.Args, Config: o.Config.Redacted(),
		RequireFull: o.Config.Run.RequireFull, Selection: s.selection(suites),
	}
	id, err := report.Reserve(o.Config.Run.Report, "", run.Started)
	if err == nil {
		run.ID = id
		_, err = render.Write(o.Config.Run.Report, run) // so that a crash leaves a trace
	}
	if err == nil {
		err = s.carryOut(ctx, id, suites, func() error { return plan(s, &run) })
	}
	s.fill(ctx, &run, err)
	return s.tell(run)
}

func newSession(o Options) *Session {
	quiet()
	if o.up == nil {
		o.up = testbed.Up
	}
	if o.control == nil {
		o.control = func(bed *testbed.Bed) controlPlane { return mesh.NewConsole(bed.Kube, bed.Mesh) }
	}
	return &Session{options: o, phases: testbed.Record(o.Log), redactor: &evidence.Redactor{}}
}

// tell writes the report and prints the verdict. A report that could not be written
// is an infrastructure failure, never a detail.
func (s *Session) tell(run report.Run) report.Run {
	run = run.Redacted(s.redactor)
	run.Verdict = report.Judge(run, run.RequireFull)
	var files []string
	if run.ID != "" {
		var err error
		if files, err = render.Write(s.options.Config.Run.Report, run); err != nil {
			run.Phases = append(run.Phases, report.Phase{Name: "report", Started: time.Now(), Error: err.Error()})
			run.Verdict = report.Judge(run, run.RequireFull)
		}
		s.forget(run.ID)
	}
	if err := summary.Print(s.options.Out, run, files...); err != nil {
		fmt.Fprintln(os.Stderr, "meshgate: the summary could not be printed:", err)
	}
	return run
}

// forget removes the runs that are not to be kept. One that cannot be removed says
// nothing about the mesh, and changes no verdict.
func (s *Session) forget(current string) {
	run := s.options.Config.Run
	if _, err := report.Retain(run.Report, run.Retain, current); err != nil {
		fmt.Fprintln(os.Stderr, "meshgate: earlier runs could not be removed:", err)
	}
}

// quiet keeps client-go's own log away from the progress: what it calls unhandled
// (a forwarded connection that was reset) is handled by whoever asked.
func quiet() {
	klog.SetSlogLogger(slog.New(slog.DiscardHandler))
}

func build() report.Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return report.Build{}
	}
	b := report.Build{Version: info.Main.Version, Go: info.GoVersion}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

var errInvalid = errors.New("the suite is not valid")

package runner

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"meshgate/framework/suite"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"meshgate/framework/evidence"
	"meshgate/framework/mesh"
	"meshgate/framework/report"
	"meshgate/framework/testbed"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/e2e-framework/pkg/envconf"
)

// Session is a number of suites on one mesh, whose features run in as many rounds as a plan
// asks for. The first feature that runs has the mesh installed.
type Session struct {
	options  Options
	phases   *testbed.Phases
	suites   []*suiteRun
	gateways []mesh.GatewaySpec // of all suites
	redactor *evidence.Redactor // knows the keys of this run
	stop     *stop              // nil: nothing is held
	ready    bool               // the objects of all suites are

	once    sync.Once
	bed     *testbed.Bed
	console controlPlane // of the bed, one for all suites
	err     error
}

// carryOut calls the plan, and then removes everything.
func (s *Session) carryOut(ctx context.Context, id string, suites []suite.Suite, plan func() error) error {
	s.gateways = GatewaysOf(suites...)
	for _, one := range suites {
		if err := Validate(one); err != nil {
			return fmt.Errorf("%w: %w", errInvalid, err)
		}
	}
	if s.filter().DryRunMode() {
		return s.list(suites)
	}
	folder := filepath.Join(s.options.Config.Run.Report, id)
	for _, one := range suites {
		s.suites = append(s.suites, &suiteRun{suite: one, session: s, deleted: map[string]*mesh.Mark{},
			open: func(ctx context.Context) (*testbed.Bed, controlPlane, error) { return s.open(ctx, folder) }})
	}
	err := errors.Join(plan(), s.tearDown(ctx))
	if s.console != nil {
		s.console.Close()
	}
	if s.bed != nil {
		err = errors.Join(err, s.bed.Leave(ctx, s.phases))
	}
	return err
}

// RunRounds runs the features of the rounds, and keeps the objects that the suites share.
// The suites run concurrently, each at its own pace from round to round. It returns the
// results of each round, by suite.
func (s *Session) RunRounds(ctx context.Context, rounds ...Round) ([][]report.Suite, error) {
	return s.runRounds(ctx, false, rounds...)
}

func (s *Session) runRounds(ctx context.Context, last bool, rounds ...Round) ([][]report.Suite, error) {
	found := make([][]report.Suite, len(rounds))
	var mu sync.Mutex
	filter := s.filter().WithParallelTestEnabled()
	var tests []testing.InternalTest
	for _, sr := range s.suites {
		sr.turns = make(chan struct{}, atOnce(s.concurrency()))
		done := func(round int, r report.Suite) {
			mu.Lock()
			defer mu.Unlock()
			if len(r.Features) > 0 || r.Error != "" {
				found[round] = append(found[round], r)
			}
		}
		tests = append(tests, testing.InternalTest{Name: sr.suite.Name, F: sr.test(ctx, filter, rounds, last, done)})
	}
	err := s.asTests(tests)
	for _, suites := range found {
		slices.SortFunc(suites, func(a, b report.Suite) int { return s.place(a) - s.place(b) })
	}
	return found, err
}

// place is where a suite stands in the order of the catalogue.
func (s *Session) place(r report.Suite) int {
	return slices.IndexFunc(s.suites, func(sr *suiteRun) bool { return sr.suite.Name == r.Name })
}

// SetUp makes what the features of each suite share, before any feature runs.
func (s *Session) SetUp(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(starting())
	for _, sr := range s.suites {
		g.Go(func() error { return sr.started(ctx) })
	}
	err := g.Wait()
	s.ready = err == nil
	return err
}

// Bed is the cluster and mesh of the session; nil before any feature has begun.
func (s *Session) Bed() *testbed.Bed { return s.bed }

// Namespace is the real name of a namespace that a suite's fixtures call by a readable
// one. The suite must have been set up.
func (s *Session) Namespace(suite, readable string) (string, error) {
	for _, sr := range s.suites {
		if sr.suite.Name == suite && sr.shared != nil {
			return sr.shared.Namespace(readable), nil
		}
	}
	return "", fmt.Errorf("suite %s is not set up", suite)
}

// tearDown removes what the suites still have, concurrently.
func (s *Session) tearDown(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(starting())
	for _, sr := range s.suites {
		g.Go(func() error { return sr.tearDown(ctx) })
	}
	return g.Wait()
}

// starting is how many suites start their applications at a time, one more than there are
// processors: while some wait for the cluster another one has it compute. More of them
// only take turns, until what each has to wait for is late.
func starting() int { return runtime.NumCPU() + 1 }

// concurrency is how many of these suites run at a time: all, once they are set up.
func (s *Session) concurrency() int {
	if s.ready {
		return len(s.suites)
	}
	return min(starting(), len(s.suites))
}

// perProcessor is how many features are asked at a time for each processor. They wait more
// than they compute; but with forty-five at once on two processors answers took seconds.
const perProcessor = 8

// atOnce is how many features of a suite are asked side by side, where so many suites are.
func atOnce(suites int) int { return (perProcessor*runtime.NumCPU() + suites - 1) / suites }

// asTests runs the tests. Outside `go test` their own output would repeat the summary, so
// it goes to a file; flags are given as an empty command line, since the real one is not
// theirs.
func (s *Session) asTests(tests []testing.InternalTest) error {
	if s.options.Output == nil {
		runTests(tests)
		return nil
	}
	testing.Init()
	if !flag.Parsed() {
		if err := flag.CommandLine.Parse(nil); err != nil {
			return err
		}
	}
	if err := flag.Set("test.parallel", strconv.Itoa(max(1, s.concurrency()))); err != nil {
		return err
	}
	stdout := os.Stdout
	os.Stdout = s.options.Output
	defer func() { os.Stdout = stdout }()
	runTests(tests)
	return nil
}

// open stands the bed up, once, for whichever suite comes first.
func (s *Session) open(ctx context.Context, folder string) (*testbed.Bed, controlPlane, error) {
	s.once.Do(func() {
		s.bed, s.err = s.options.up(ctx, s.options.Config, s.phases, s.gateways...)
		if s.err == nil {
			s.console = s.options.control(s.bed)
			s.err = s.bed.Sound(ctx)
		}
		if s.err == nil && !s.options.NoEvidence {
			s.bed.Evidence = &evidence.Collector{Kube: s.bed.Kube, Mesh: s.bed.Mesh, Dir: filepath.Join(folder, "evidence")}
			s.redactor = &s.bed.Evidence.Redactor
		}
	})
	return s.bed, s.console, s.err
}

// filter is the selection in e2e-framework's words.
func (s *Session) filter() *envconf.Config {
	filter := s.options.Filter
	if filter == nil {
		filter = envconf.New()
	}
	return narrowed(filter, s.options.Config.Run)
}

func (s *Session) selection(suites []suite.Suite) report.Selection {
	filter := s.filter()
	sel := report.Selection{Suites: s.options.Config.Run.Suites}
	if re := filter.FeatureRegex(); re != nil {
		sel.Feature = re.String()
	}
	for k, v := range filter.Labels() {
		if sel.Labels == nil {
			sel.Labels = map[string]string{}
		}
		sel.Labels[k] = fmt.Sprint(v)
	}
	for _, one := range suites {
		sel.Offered += len(one.Features)
	}
	return sel
}

// fill puts what was found into the report.
func (s *Session) fill(ctx context.Context, run *report.Run, err error) {
	run.Ended = time.Now()
	run.Interrupted = testbed.Signal(ctx)
	for _, sr := range s.suites {
		if sr.leaked != "" {
			run.Notes = append(run.Notes, sr.leaked)
		}
	}
	for _, sr := range s.suites {
		run.Notes = append(run.Notes, sr.notes...)
	}
	if s.bed != nil {
		run.Facts = s.bed.Facts()
	}
	run.Phases = s.phases.List()
	if err != nil && !told(run.Phases) {
		run.Phases = append(run.Phases, report.Phase{Name: "run", Started: run.Started, Error: err.Error()})
	}
	if s.err != nil && !told(run.Phases) {
		run.Phases = append(run.Phases, report.Phase{Name: "set-up", Started: run.Started, Error: s.err.Error()})
	}
}

func told(phases []report.Phase) bool {
	for _, p := range phases {
		if p.Error != "" {
			return true
		}
	}
	return false
}

// list says what there is without running it (e2e-framework's --dry-run).
func (s *Session) list(suites []suite.Suite) error { return List(s.options.Out, suites...) }

// List prints suites and features with their promises.
func List(w io.Writer, suites ...suite.Suite) error {
	for _, one := range suites {
		if _, err := fmt.Fprintf(w, "%s: %s\n", one.Name, one.Promise); err != nil {
			return err
		}
		for _, f := range one.Features {
			if _, err := fmt.Fprintf(w, "  %-26s %s\n", f.Name, f.Promise); err != nil {
				return err
			}
		}
	}
	return nil
}

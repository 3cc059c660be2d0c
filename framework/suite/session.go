package suite

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"meshgate/framework/evidence"
	"meshgate/framework/mesh"
	"meshgate/framework/report"
	"meshgate/framework/testbed"

	"sigs.k8s.io/e2e-framework/pkg/envconf"
)

// session is one call of Run: the suites and the bed they share.
type session struct {
	options  Options
	phases   *testbed.Phases
	suites   []*suiteRun
	gateways []mesh.GatewaySpec // of all suites
	redactor *evidence.Redactor // knows the keys of this run

	once sync.Once
	bed  *testbed.Bed
	err  error
}

// run compiles the suites, runs them as Go tests and leaves the bed.
func (s *session) run(ctx context.Context, id string, suites []Suite) error {
	s.gateways = GatewaysOf(suites...)
	for _, one := range suites {
		if err := one.validate(); err != nil {
			return fmt.Errorf("%w: %w", errInvalid, err)
		}
	}
	filter := s.filter()
	if filter.DryRunMode() {
		return s.list(suites)
	}
	folder := filepath.Join(s.options.Config.Run.Report, id)
	var tests []testing.InternalTest
	for _, one := range suites {
		sr := &suiteRun{suite: one, log: s.phases, sabotage: s.wrong, secret: func(v string) { s.redactor.Secret(v) }, open: func(ctx context.Context) (*testbed.Bed, error) { return s.open(ctx, folder) }}
		s.suites = append(s.suites, sr)
		tests = append(tests, testing.InternalTest{Name: one.Name, F: sr.test(ctx, filter)})
	}
	err := s.asTests(tests)
	if s.bed != nil {
		err = errors.Join(err, s.bed.Leave(ctx, s.phases))
	}
	return err
}

// asTests runs the tests side by side, one more than there are processors: while some
// wait for the cluster another one has it compute. More of them only take turns in starting
// their applications, until what each has to wait for is late. Outside `go test` their own
// output would repeat the
// summary, so it goes to a file; flags are given as an empty command line, since
// the real one is not theirs.
func (s *session) asTests(tests []testing.InternalTest) error {
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
	if err := flag.Set("test.parallel", strconv.Itoa(runtime.NumCPU()+1)); err != nil {
		return err
	}
	stdout := os.Stdout
	os.Stdout = s.options.Output
	defer func() { os.Stdout = stdout }()
	runTests(tests)
	return nil
}

// open stands the bed up, once, for whichever suite comes first.
func (s *session) open(ctx context.Context, folder string) (*testbed.Bed, error) {
	s.once.Do(func() {
		s.bed, s.err = s.options.up(ctx, s.options.Config, s.phases, s.gateways...)
		if s.err == nil && s.options.Wrong == nil { // what we broke ourselves needs no evidence
			s.bed.Evidence = &evidence.Collector{Kube: s.bed.Kube, Mesh: s.bed.Mesh, Dir: filepath.Join(folder, "evidence")}
			s.redactor = &s.bed.Evidence.Redactor
		}
	})
	return s.bed, s.err
}

func (s *session) wrong(suite string, f Feature) *Sabotage {
	if s.options.Wrong == nil {
		return nil
	}
	return s.options.Wrong(suite, f)
}

// filter is the selection in e2e-framework's words.
func (s *session) filter() *envconf.Config {
	filter := s.options.Filter
	if filter == nil {
		filter = envconf.New()
	}
	run := s.options.Config.Run
	if run.Feature != "" && filter.FeatureRegex() == nil {
		filter.WithFeatureRegex(run.Feature)
	}
	if len(run.Labels) > 0 && len(filter.Labels()) == 0 {
		labels := map[string][]string{}
		for k, v := range run.Labels {
			labels[k] = []string{v}
		}
		filter.WithLabels(labels)
	}
	return filter
}

func (s *session) selection(suites []Suite) report.Selection {
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
func (s *session) fill(ctx context.Context, run *report.Run, err error) {
	run.Ended = time.Now()
	run.Interrupted = testbed.Signal(ctx)
	for _, sr := range s.suites {
		if len(sr.result.Features) > 0 || sr.result.Error != "" {
			run.Suites = append(run.Suites, sr.result)
		}
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
func (s *session) list(suites []Suite) error { return List(s.options.Out, suites...) }

// List prints suites and features with their promises.
func List(w io.Writer, suites ...Suite) error {
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

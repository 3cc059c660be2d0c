package runner

import (
	"context"
	"errors"
	"fmt"
	"meshgate/framework/suite"
	"slices"
	"strings"
	"testing"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/mesh"
	"meshgate/framework/report"

	"sigs.k8s.io/e2e-framework/pkg/envconf"
	"sigs.k8s.io/e2e-framework/pkg/features"
	"sigs.k8s.io/e2e-framework/pkg/types"
)

// featureRun is one feature under way. It is the adapter between steps, which
// return errors, and *testing.T.
type featureRun struct {
	suite   *suiteRun
	feature suite.Feature
	env     *environment
	conduct conduct
	before  infraState                                // when the feature began
	look    func(context.Context) (infraState, error) // at the infrastructure as it is now
	result  report.Feature
	failed  bool // or held where it was to be replayed to: no further step runs
}

// The names of the steps that the runner adds to every feature.
const stepSetup, stepCleanup = "setup", "cleanup"

// compile makes an e2e-framework feature. Its traps are kept away from: nothing in
// the setup is fatal (that would skip the teardown), and removal is registered with
// Cleanup (which runs whatever happens) instead of being a teardown step.
func (s *suiteRun) compile(f suite.Feature) types.Feature {
	r := &featureRun{suite: s, feature: f, look: s.infrastructure}
	b := features.NewWithDescription(f.Name, f.Promise).WithLabel("suite", s.suite.Name)
	for key, value := range f.Labels {
		b.WithLabel(key, value)
	}
	b.WithSetup(stepSetup, r.setup)
	for _, step := range stepsOf(f) {
		b.Assess(step.Name, func(ctx context.Context, t *testing.T, _ *envconf.Config) context.Context {
			r.assess(ctx, t, step)
			return ctx
		})
	}
	return b.Feature()
}

func (r *featureRun) setup(ctx context.Context, t *testing.T, _ *envconf.Config) context.Context {
	release, err := r.suite.turn(ctx)
	if err == nil {
		t.Cleanup(release)
		r.env, err = r.suite.enter(ctx, r.feature)
	}
	if err != nil {
		r.failed = true
		t.Errorf("%s: not run: %v", r.feature.Name, err)
		return ctx // reported as the failure of a phase or of the suite, not of this feature
	}
	r.result = report.Feature{Name: r.feature.Name, Spec: Reference(r.feature), Needs: r.suite.needs(r.feature), Started: time.Now()}
	t.Cleanup(func() { r.finish(ctx, t) })
	r.conduct = r.suite.round.conduct(r.suite.suite.Name, r.feature)
	if reason := r.lacks(); reason != nil {
		r.result.Status, r.result.Reason = report.Skip, reason.Error()
		t.Skip(reason)
	}
	if r.before, err = r.look(ctx); err != nil {
		r.suite.note("the infrastructure under %s could not be looked at: %v", r.feature.Name, err)
	}
	if r.heldBefore(ctx, stepSetup) {
		return ctx
	}
	r.record(ctx, t, stepSetup, report.Action, func(ctx context.Context) (result, error) {
		return result{attempts: 1}, r.conduct.setUp(ctx, r.env, r.feature)
	})
	return ctx
}

func (r *featureRun) assess(ctx context.Context, t *testing.T, step suite.Step) {
	if r.failed || r.heldBefore(ctx, step.Name) {
		t.SkipNow() // an earlier step failed; this one was never asked
	}
	if step.Needs != "" {
		if absent := r.env.mesh.Has(step.Needs); absent != nil {
			r.add(report.Step{Name: step.Name, Kind: step.Kind, Status: report.Skip, Started: time.Now(), Failure: failureOf(absent, nil)})
			t.Skip(absent)
		}
	}
	if name, action := r.conduct.before(step.Name); action != nil {
		r.record(ctx, t, name, report.Action, func(ctx context.Context) (result, error) {
			return result{attempts: 1}, suite.Infrastructure(action.Run(ctx, r.env))
		})
	}
	r.env.watch = r.watchOf(step.Name)
	if !r.failed {
		r.record(ctx, t, step.Name, step.Kind, func(ctx context.Context) (result, error) { return r.env.play(ctx, step) })
	}
	if r.failed {
		t.FailNow()
	}
}

// record runs a step and writes down what became of it. Evidence is captured here,
// before the failure is told and so before anything is cleaned up.
func (r *featureRun) record(ctx context.Context, t *testing.T, name string, k report.Kind, run func(context.Context) (result, error)) {
	t.Helper()
	defer r.suite.progress.running(r.conduct.called(r.feature), name)()
	step := report.Step{Name: name, Kind: k, Started: time.Now()}
	var res result
	err := guarded(func() (err error) {
		res, err = run(ctx)
		return err
	})
	err = afterTheEnd(ctx, err)
	step.Took = report.Seconds(time.Since(step.Started))
	step.Attempts = res.attempts
	if res.converged > 0 {
		c := report.Seconds(res.converged)
		step.ConvergedAfter = &c
	}
	if blamed, _ := expect.Blamed(err); res.seen == nil && blamed != nil {
		res.seen = blamed // of a step that is code
	}
	step.Status, step.Failure = statusOf(err), failureOf(err, res.seen)
	if err != nil {
		step.Failure.Message = strings.TrimPrefix(step.Failure.Message, name+": ") // a deadline's name
		r.failed = true
		_, expected := r.conduct.expected(r.feature, step)
		if step.Status == report.Fail && (!expected && r.suite.bed.Evidence != nil || r.suite.round.Follow) {
			step.Failure.Way = r.requestPath(ctx, err)
		}
		if !expected {
			step.Evidence = r.evidence(ctx, step, res.seen)
		}
		t.Errorf("%s: %s: %v", r.feature.Name, name, err)
		var p *panicked
		if errors.As(err, &p) {
			t.Logf("%s", p.stack)
		}
		r.heldAfter(ctx, step)
	}
	r.add(step)
}

// watchOf is how the conditions of a step are polled in this round.
func (r *featureRun) watchOf(step string) watch {
	if !r.conduct.certain() {
		return untilDeadline{}
	}
	return untilCertain{env: r.env, expected: func(err error) (report.Mismatch, bool) {
		return r.conduct.expected(r.feature, report.Step{Name: step, Status: statusOf(err), Failure: failureOf(err, nil)})
	}}
}

// add writes a step down that has ended.
func (r *featureRun) add(s report.Step) {
	r.result.Steps = append(r.result.Steps, s)
	r.suite.progress.step(r.conduct.called(r.feature), s)
}

// evidence captures the state of the mesh unless the run was interrupted: then
// nothing is held against the mesh, and the user waits.
func (r *featureRun) evidence(ctx context.Context, step report.Step, seen any) []string {
	if ctx.Err() != nil || r.suite.bed.Evidence == nil {
		return nil
	}
	documents := map[string]any{"observation.json": seen}
	if way := step.Failure.Way; way != nil {
		documents["request-path.json"] = way
	}
	files, err := r.suite.bed.Evidence.Capture(ctx, r.suite.suite.Name+"/"+r.feature.Name, step.Name, r.suite.realNamespaces(), r.env.made(), documents)
	if err != nil {
		r.suite.note("evidence for %s/%s is incomplete: %v", r.feature.Name, step.Name, err)
	}
	return files
}

// finish removes what the feature made and hands the result over.
func (r *featureRun) finish(ctx context.Context, t *testing.T) {
	if r.result.Status == "" {
		r.heldBefore(ctx, stepCleanup)
	}
	if ended := r.suite.round.Ended; ended != nil {
		ended(ctx, r.suite.suite.Name, r.feature.Name)
	}
	cleaned := r.suite.progress.running(r.conduct.called(r.feature), stepCleanup)
	began := time.Now()
	made := r.env.made()
	if err := r.env.clean(ctx); err != nil {
		t.Errorf("%s: %v", r.feature.Name, err)
		r.add(report.Step{Name: stepCleanup, Kind: report.Cleanup, Status: report.Error, Started: began,
			Took: report.Seconds(time.Since(began)), Attempts: 1, Failure: failureOf(err, nil)})
	}
	if err := r.suite.noteDeleted(ctx, made); err != nil {
		r.suite.note("the control plane is not known to have forgotten what %s deleted: %v", r.feature.Name, err)
	}
	if r.result.Status == "" {
		r.result.Status, r.result.Reason = r.outcome()
	}
	if r.result.Status == report.Fail {
		r.excuse(ctx)
	}
	r.result.Took = report.Seconds(time.Since(r.result.Started))
	r.suite.add(r.result)
	cleaned()
	r.suite.progress.feature(r.conduct.called(r.feature), r.result)
}

// excuse turns a failure into an error if the infrastructure changed while the feature ran:
// the trouble of a node must not be blamed on the mesh. It never turns it into a pass.
func (r *featureRun) excuse(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), r.env.budget.Deletion)
	defer stop()
	now, err := r.look(ctx)
	if err == nil {
		err = r.before.disturbed(now, r.result.Started)
	}
	if err == nil {
		red, _ := firstRed(r.result)
		err = r.env.rotated(ctx, red)
	}
	if err == nil {
		return
	}
	r.result.Status, r.result.Reason = report.Error, fmt.Sprintf("the infrastructure changed meanwhile: %v; what was seen: %s", err, r.result.Reason)
	for i, s := range r.result.Steps {
		if s.Status == report.Fail {
			r.result.Steps[i].Status = report.Error
		}
	}
}

// outcome is the status of the first step that did not pass. A feature of which a
// filter left something out has not proven its promise.
func (r *featureRun) outcome() (report.Status, string) {
	for _, s := range r.result.Steps {
		if s.Status != report.Pass && s.Status != report.Skip {
			return s.Status, fmt.Sprintf("%s: %s", s.Name, s.Failure.Message)
		}
	}
	if asked, all := len(r.result.Steps), 1+len(stepsOf(r.feature)); asked < all {
		return report.Inconclusive, fmt.Sprintf("%d of %d steps were left out by the selection of assessments", all-asked, all)
	}
	return report.Pass, ""
}

// needs are the capabilities that the suite and the feature declare, each once. What
// every feature stands on is no need of any.
func (s *suiteRun) needs(f suite.Feature) []string {
	var names []string
	for _, c := range each(s.suite.Needs, f.Needs) {
		names = append(names, string(c))
	}
	return names
}

// each are the capabilities of all lists, each once.
func each(lists ...[]mesh.Capability) []mesh.Capability {
	var all []mesh.Capability
	for _, c := range slices.Concat(lists...) {
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// lacks is the reason why the feature cannot run on this mesh, or nil.
func (r *featureRun) lacks() error {
	return r.suite.lacks(slices.Concat(r.feature.Needs, r.conduct.needs(r.feature))...)
}

// lacks is the reason why a feature with these needs cannot run on this mesh, or nil.
func (s *suiteRun) lacks(needs ...mesh.Capability) error {
	var missing []error
	for _, g := range s.suite.Gateways {
		if err := s.bed.Mesh.Provides(g); err != nil {
			missing = append(missing, err)
		}
	}
	for _, c := range each(s.suite.Needs, s.alwaysNeeded(), needs) {
		if err := s.bed.Mesh.Has(c); err != nil {
			missing = append(missing, err)
		}
	}
	return errors.Join(missing...)
}

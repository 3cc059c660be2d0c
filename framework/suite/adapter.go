package suite

import (
	"context"
	"errors"
	"fmt"
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
	feature Feature
	env     *Env
	wrong   *Sabotage                                   // nil: nothing is wrong on purpose
	around  surroundings                                // when it began
	look    func(context.Context) (surroundings, error) // at what there is now
	result  report.Feature
	failed  bool // or held where it was to be replayed to: nothing more is asked
}

// What steps are called that no feature has of its own.
const stepGiven, stepCleanup = "given", "cleanup"

// compile makes an e2e-framework feature. Its traps are kept away from: nothing in
// the setup is fatal (that would skip the teardown), and removal is registered with
// Cleanup (which runs whatever happens) instead of being a teardown step.
func (s *suiteRun) compile(f Feature) types.Feature {
	r := &featureRun{suite: s, feature: f, look: s.lookAround}
	b := features.NewWithDescription(f.Name, f.Promise).WithLabel("suite", s.suite.Name)
	for key, value := range f.Labels {
		b.WithLabel(key, value)
	}
	b.WithSetup("given", r.setup)
	for _, step := range slices.Concat(f.Then, closing()) {
		b.Assess(step.Name, func(ctx context.Context, t *testing.T, _ *envconf.Config) context.Context {
			r.assess(ctx, t, step)
			return ctx
		})
	}
	return b.Feature()
}

// closing are the steps that end every feature.
func closing() []Step { return []Step{everyRequestLogged()} }

func (r *featureRun) setup(ctx context.Context, t *testing.T, _ *envconf.Config) context.Context {
	var env *Env
	done, err := r.suite.turn(ctx)
	if err == nil {
		t.Cleanup(done)
		env, err = r.suite.enter(ctx, r.feature)
	}
	if err != nil {
		r.failed = true
		t.Errorf("%s: not asked: %v", r.feature.Name, err)
		return ctx // told as the failure of a phase or of the suite, not of this feature
	}
	r.env = env
	r.result = report.Feature{Name: r.feature.Name, Spec: r.feature.Spec, Needs: r.suite.needs(r.feature), Started: time.Now()}
	t.Cleanup(func() { r.finish(ctx, t) })
	r.wrong = r.suite.round.wrong(r.suite.suite.Name, r.feature)
	if reason := r.lacks(); reason != nil {
		r.result.Status, r.result.Reason = report.Skip, reason.Error()
		t.Skip(reason)
	}
	if r.around, err = r.look(ctx); err != nil {
		r.suite.note("what %s stands on could not be looked at: %v", r.feature.Name, err)
	}
	if r.heldBefore(ctx, stepGiven) {
		return ctx
	}
	r.record(ctx, t, stepGiven, report.Given, func(ctx context.Context) (result, error) {
		return result{attempts: 1}, env.standWrong(ctx, r.feature.Given, r.wrong)
	})
	return ctx
}

func (r *featureRun) assess(ctx context.Context, t *testing.T, step Step) {
	if r.failed || r.heldBefore(ctx, step.Name) {
		t.SkipNow() // an earlier step failed; this one was never asked
	}
	if step.needs != "" {
		if absent := r.env.Mesh.Has(step.needs); absent != nil {
			r.add(report.Step{Name: step.Name, Kind: step.kind, Status: report.Skip, Started: time.Now(), Failure: failureOf(absent, nil)})
			t.Skip(absent)
		}
	}
	if w := r.wrong; w != nil && w.before == step.Name && w.meddle != nil {
		r.record(ctx, t, "sabotage: "+w.Name, report.Given, func(ctx context.Context) (result, error) {
			return result{attempts: 1}, Broken(w.meddle(ctx, r.env))
		})
	}
	r.env.foreseen = r.foresees(step.Name)
	if !r.failed {
		r.record(ctx, t, step.Name, step.kind, func(ctx context.Context) (result, error) { return step.run(ctx, r.env) })
	}
	if r.failed {
		t.FailNow()
	}
}

// record runs a step and writes down what became of it. Evidence is captured here,
// before the failure is told and so before anything is cleaned up.
func (r *featureRun) record(ctx context.Context, t *testing.T, name string, k kind, run func(context.Context) (result, error)) {
	t.Helper()
	defer r.suite.lane.asks(r.called(), name)()
	step := report.Step{Name: name, Kind: k, Started: time.Now()}
	res, err := guarded(func() (result, error) { return run(ctx) })
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
		_, foreseen := r.foreseen(step)
		if step.Status == report.Fail && (!foreseen && r.suite.bed.Evidence != nil || r.suite.round.Follow) {
			step.Failure.Way = r.way(ctx, err)
		}
		if !foreseen {
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

// foreseen tells whether a step had to fail as it did, and by which mismatch.
func (r *featureRun) foreseen(s report.Step) (report.Mismatch, bool) {
	switch w, f := r.wrong, r.suite.round.Foreseen; {
	case s.Status != report.Fail:
	case w != nil:
		return Named(s, r.feature.Target(*w), w.Field)
	case f != nil:
		return f(r.suite.suite.Name, r.feature.Name, s)
	}
	return report.Mismatch{}, false
}

// foresees tells of an error of a step whether it is the one that had to come; nil where
// nothing is broken on purpose.
func (r *featureRun) foresees(step string) func(error) (report.Mismatch, bool) {
	if r.wrong == nil && r.suite.round.Foreseen == nil {
		return nil
	}
	return func(err error) (report.Mismatch, bool) {
		return r.foreseen(report.Step{Name: step, Status: statusOf(err), Failure: failureOf(err, nil)})
	}
}

// add writes a step down that has ended.
func (r *featureRun) add(s report.Step) {
	r.result.Steps = append(r.result.Steps, s)
	r.suite.lane.step(r.called(), s)
}

// called is the feature for people, with what is wrong on purpose.
func (r *featureRun) called() string {
	if r.wrong != nil {
		return fmt.Sprintf("%s (%s)", r.feature.Name, r.wrong.Name)
	}
	return r.feature.Name
}

// evidence captures the state of the mesh unless the run was interrupted: then
// nothing is held against the mesh, and the user waits.
func (r *featureRun) evidence(ctx context.Context, step report.Step, seen any) []string {
	if ctx.Err() != nil || r.suite.bed.Evidence == nil {
		return nil
	}
	documents := map[string]any{"observation.json": seen}
	if way := step.Failure.Way; way != nil {
		documents["way.json"] = way
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
	cleaned := r.suite.lane.asks(r.called(), stepCleanup)
	began := time.Now()
	made := r.env.made()
	if err := r.env.clean(ctx); err != nil {
		t.Errorf("%s: %v", r.feature.Name, err)
		r.add(report.Step{Name: stepCleanup, Kind: report.Cleanup, Status: report.Error, Started: began,
			Took: report.Seconds(time.Since(began)), Attempts: 1, Failure: failureOf(err, nil)})
	}
	if err := r.suite.gone(ctx, made); err != nil {
		r.suite.note("what %s removed is not known to be gone from the control plane: %v", r.feature.Name, err)
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
	r.suite.lane.feature(r.called(), r.result)
}

// excuse takes a failure back if what the mesh stands on changed while it came about: a
// node's trouble must not be named the mesh's. It is an error then, and never a pass.
func (r *featureRun) excuse(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), r.env.Budget.Deletion)
	defer stop()
	now, err := r.look(ctx)
	if err == nil {
		err = r.around.disturbed(now, r.result.Started)
	}
	if err == nil {
		red, _ := firstRed(r.result)
		err = r.env.rotated(ctx, red)
	}
	if err == nil {
		return
	}
	r.result.Status, r.result.Reason = report.Error, fmt.Sprintf("the surroundings changed meanwhile: %v; what was seen: %s", err, r.result.Reason)
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
	if asked, all := len(r.result.Steps), 1+len(r.feature.Then)+len(closing()); asked < all {
		return report.Inconclusive, fmt.Sprintf("%d of %d steps were left out by the selection of assessments", all-asked, all)
	}
	return report.Pass, ""
}

// needs are the capabilities that the suite and the feature declare, each once. What
// every feature stands on is no need of any.
func (s *suiteRun) needs(f Feature) []string {
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

// lacks is the reason why the feature cannot run on this mesh, or nil: what is made wrong
// on purpose has to be seen.
func (r *featureRun) lacks() error {
	needs := r.feature.Needs
	if r.wrong != nil {
		needs = slices.Concat(needs, r.feature.shows(*r.wrong))
	}
	return r.suite.lacks(needs...)
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

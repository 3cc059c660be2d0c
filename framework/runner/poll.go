package runner

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"meshgate/framework/report"
	"meshgate/framework/suite"
	"meshgate/framework/wait"
)

// result is what a step reports in addition to its error.
type result struct {
	attempts  int
	converged time.Duration // since the configuration last changed; 0 if nothing had
	seen      any           // the last observation, for the report
}

// Intervals at which conditions are looked at. They are sampling rates, not limits.
const (
	pollEvery   = 200 * time.Millisecond
	sampleEvery = 500 * time.Millisecond
)

// minAttempts is how often a condition is looked at before its deadline counts against the
// mesh: a machine that is too busy to look says nothing about a mesh.
const minAttempts = 5

// play does what a step says.
func (e *environment) play(ctx context.Context, s suite.Step) (result, error) {
	if s.Kind == report.Action {
		return result{attempts: 1}, s.Action.Run(ctx, e)
	}
	switch s.Polling {
	case wait.UntilMet:
		return e.converge(ctx, s)
	case wait.OverTheWindow:
		return e.hold(ctx, s)
	default:
		seen, err := e.look(ctx, s.Conditions)
		return result{attempts: 1, seen: seen}, err
	}
}

// converge polls until all conditions are met, and relates the moment they were to the last
// change of configuration that no earlier step has seen in effect.
func (e *environment) converge(ctx context.Context, s suite.Step) (result, error) {
	var res result
	began := time.Now()
	d := wait.Deadline{Name: s.Name, Within: e.within(s), MinAttempts: minAttempts}
	out, err := wait.Until(ctx, d, pollEvery, e.watch.condition(func(ctx context.Context) error {
		seen, err := e.look(ctx, s.Conditions)
		if ctx.Err() == nil || err == nil {
			res.seen = seen
		}
		return uncut(ctx, err)
	}))
	res.attempts = out.Attempts
	if at := e.takeChange(); err == nil && !at.IsZero() {
		res.converged = began.Add(out.ConvergedAfter).Sub(at)
	}
	return res, err
}

// hold samples the conditions over the window Settled.
func (e *environment) hold(ctx context.Context, s suite.Step) (result, error) {
	var seen any
	var late error
	if s.AfterProgrammed {
		late = e.AwaitProgrammed(ctx)
	}
	d := wait.Deadline{Name: s.Name, Within: e.budget.Settled}
	out, err := wait.Throughout(ctx, d, sampleEvery, e.budget.Converged, func(ctx context.Context) (err error) {
		seen, err = e.look(ctx, s.Conditions)
		return err
	})
	if err == nil {
		err = late // what is wrong is wrong already; what is right may not have arrived
	}
	return result{attempts: out.Attempts, seen: seen}, err
}

// within is the budget of a step.
func (e *environment) within(s suite.Step) time.Duration {
	if s.Within != nil {
		return s.Within(e.budget)
	}
	return e.budget.Converged
}

func (e *environment) Await(ctx context.Context, name string, condition func(context.Context) error) error {
	d := wait.Deadline{Name: name, Within: e.budget.Converged, MinAttempts: minAttempts}
	_, err := wait.Until(ctx, d, pollEvery, e.watch.condition(condition))
	return err
}

// uncut replaces the error of an attempt that the budget cut short by the context's: the
// error of the attempt before counts, whoever was being asked at that moment.
func uncut(ctx context.Context, err error) error {
	if cut := ctx.Err(); err != nil && cut != nil {
		return cut
	}
	return err
}

// look looks once at every condition, concurrently, and returns the first observation that
// was wrong with what was wrong about it.
func (e *environment) look(ctx context.Context, conditions []suite.Condition) (any, error) {
	if len(conditions) == 0 {
		return nil, errors.New("the step asks nothing")
	}
	type looked struct {
		seen any
		err  error
	}
	all := make([]looked, len(conditions))
	done := make(chan struct{})
	for i, c := range conditions {
		go func() {
			defer func() { done <- struct{}{} }()
			all[i].err = guarded(func() (err error) {
				all[i].seen, err = c.Look(ctx, e)
				return err
			})
		}()
	}
	for range conditions {
		<-done
	}
	for _, one := range all {
		if one.err != nil {
			return one.seen, one.err
		}
	}
	return all[len(all)-1].seen, nil
}

func observationJSON(seen any) json.RawMessage {
	if seen == nil {
		return nil
	}
	raw, err := json.Marshal(seen)
	if err != nil {
		raw, _ = json.Marshal(err.Error())
	}
	return raw
}

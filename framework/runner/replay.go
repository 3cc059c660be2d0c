package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"meshgate/framework/suite"
	"slices"
	"strings"

	"meshgate/framework/config"
	"meshgate/framework/replay"
	"meshgate/framework/report"
)

// Replay stands up again what a feature had stood on when it failed: it plays the steps
// before the one that failed, holds there, and removes everything. It writes no report,
// for nothing is judged. The error says why that step was not reached, or what was left.
func Replay(ctx context.Context, o Options, suites []suite.Suite, t replay.Target) error {
	one, err := replayable(suites, t)
	if err != nil {
		return err
	}
	o.Config.Run.Feature, o.Config.Run.Labels, o.NoEvidence = "", nil, true
	s := newSession(o)
	s.stop = newStop(s.options, cmp.Or(o.Config.Run.Hold, config.DefaultHold), &t)
	var found [][]report.Suite
	err = s.carryOut(ctx, "", []suite.Suite{one}, func() (err error) {
		found, err = s.runRounds(ctx, true, Round{Only: map[string]bool{t.String(): true}})
		return err
	})
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return errors.Join(err, s.err, unlike(slices.Concat(found...), t, s.stop.reached))
}

// replayable is the suite of a target that this program still has.
func replayable(suites []suite.Suite, t replay.Target) (suite.Suite, error) {
	i := slices.IndexFunc(suites, func(s suite.Suite) bool { return s.Name == t.Suite })
	if i < 0 {
		return suite.Suite{}, fmt.Errorf("run %s asked suite %s, which this meshgate does not have: use the one that made the report", t.Run, t.Suite)
	}
	for _, f := range suites[i].Features {
		if f.Name != t.Feature {
			continue
		}
		steps := slices.Concat([]string{stepSetup}, Steps(f), []string{stepCleanup})
		if !slices.Contains(steps, t.Step.Name) {
			return suite.Suite{}, fmt.Errorf("%s failed in run %s at step %q, which this meshgate does not have: use the one that made the report; the steps here: %s",
				t, t.Run, t.Step.Name, strings.Join(steps, "; "))
		}
		return suites[i], nil
	}
	return suite.Suite{}, fmt.Errorf("run %s asked %s, which this meshgate does not have: use the one that made the report", t.Run, t)
}

// unlike says why a replay did not come as far as its step, and what was wrong after it.
func unlike(found []report.Suite, t replay.Target, reached bool) error {
	var errs []error
	for _, s := range found {
		if s.Error != "" {
			errs = append(errs, fmt.Errorf("suite %s: %s", s.Name, s.Error))
		}
		for _, f := range s.Features {
			if f.Status == report.Skip {
				errs = append(errs, fmt.Errorf("%s is not asked on this mesh: %s", t, f.Reason))
			}
			for _, step := range f.Steps {
				if step.Failure != nil && step.Status != report.Skip {
					errs = append(errs, fmt.Errorf("%s: step %q: %s", t, step.Name, step.Failure.Message))
				}
			}
		}
	}
	if !reached {
		errs = append(errs, fmt.Errorf("%s was not replayed as far as its step %q", t, t.Step.Name))
	}
	return errors.Join(errs...)
}

package defect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"meshgate/framework/progress"
	"meshgate/framework/report"
	"meshgate/framework/runner"
)

// Run injects the defects batch by batch into the mesh of the session, runs the features
// that must detect them, and reverts each batch. It returns a cell of the kill matrix for
// each defect and feature. Skipped features are left out.
func Run(ctx context.Context, s *runner.Session, log progress.Log, defects []Defect) ([]report.Kill, error) {
	if err := s.SetUp(ctx); err != nil {
		return nil, err
	}
	t, err := newTarget(s.Bed())
	if err != nil {
		return nil, err
	}
	var kills []report.Kill
	batches := Batches(defects)
	for i, batch := range batches {
		if ctx.Err() != nil {
			return kills, nil
		}
		phase := log.Begin(fmt.Sprintf("defects %d of %d: %s", i+1, len(batches), names(batch)))
		found, err := t.check(ctx, s, phase, batch)
		phase.End(err)
		if err != nil {
			return kills, err
		}
		kills = append(kills, found...)
	}
	return kills, nil
}

// check injects one batch, runs its features and compares the results; it reverts the batch
// in any case.
func (t target) check(ctx context.Context, s *runner.Session, phase progress.Phase, batch []Defect) (kills []report.Kill, err error) {
	defer func() {
		phase.Waiting("the defects to be reverted")
		if e := t.revert(ctx); e != nil {
			err = errors.Join(err, fmt.Errorf("the mesh still has the defects %s: %w: revert them with `meshgate sabotage --revert`, or remove the mesh with `meshgate down`", names(batch), e))
		}
	}()
	phase.Waiting("every proxy to have the defects")
	if err := t.inject(ctx, batch); err != nil {
		return nil, err
	}
	phase.Waiting("the features to end")
	w := &witness{bed: s.Bed(), session: s, defects: batch, seen: map[string]bool{}, last: map[string]error{}}
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { defer close(watched); w.watch(watching) }()
	found, err := s.RunRounds(ctx, runner.Round{Only: featuresOf(batch), Expected: declaredMismatch(batch), Follow: true, Ended: w.ended})
	stop()
	<-watched
	if err != nil || ctx.Err() != nil {
		return nil, err
	}
	return matrix(batch, found[0], w.missing), nil
}

func names(batch []Defect) string {
	var all []string
	for _, d := range batch {
		all = append(all, d.Name)
	}
	return strings.Join(all, ", ")
}

func featuresOf(batch []Defect) map[string]bool {
	features := map[string]bool{}
	for _, d := range batch {
		for _, s := range d.Sees {
			features[s.Feature] = true
		}
	}
	return features
}

// declaredMismatch returns, for a step, the mismatch by which a defect of the batch must make it
// fail.
func declaredMismatch(batch []Defect) func(suite, feature string, s report.Step) (report.Mismatch, bool) {
	return func(of, feature string, step report.Step) (report.Mismatch, bool) {
		for _, d := range batch {
			for _, s := range d.Sees {
				if m, named := runner.Named(step, s.Step, s.Field); named && s.Feature == runner.Key(of, feature) {
					return m, true
				}
			}
		}
		return report.Mismatch{}, false
	}
}

// matrix compares the results of the features with what the defects declare. missing says
// why a defect was not seen in effect: then the result proves nothing about it.
func matrix(batch []Defect, found []report.Suite, missing func(Defect) error) []report.Kill {
	var kills []report.Kill
	for _, d := range batch {
		for _, s := range d.Sees {
			k := report.Kill{By: report.Defective, Wrong: d.Name, Suite: s.Suite(), Feature: s.Name(), Step: s.Step, Field: s.Field, Hop: s.Hop,
				Outcome: report.NotShown, Got: "the feature did not run"}
			f, ran := result(found, s.Suite(), s.Name())
			if ran && f.Status == report.Skip {
				continue
			}
			if ran {
				k.Took = f.Took
				runner.Compare(&k, f)
			}
			if err := missing(d); err != nil {
				k.Outcome, k.Got = report.NotShown, fmt.Sprintf("the defect was not seen in effect: %v; the feature: %s", err, k.Got)
			}
			kills = append(kills, k)
		}
	}
	return kills
}

func result(found []report.Suite, of, name string) (report.Feature, bool) {
	for _, s := range found {
		for _, f := range s.Features {
			if s.Name == of && f.Name == name {
				return f, true
			}
		}
	}
	return report.Feature{}, false
}

package defect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"meshgate/framework/progress"
	"meshgate/framework/report"
	"meshgate/framework/suite"
)

// Run puts the defects into the mesh on which the session's suites stand, a batch at a
// time, asks the features that must see them, and mends the mesh after each. It returns a
// cell of the kill matrix for each defect and feature. Skipped features are left out.
func Run(ctx context.Context, s *suite.Session, log progress.Log, defects []Defect) ([]report.Kill, error) {
	if err := s.Stand(ctx); err != nil {
		return nil, err
	}
	p, err := of(s.Bed())
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
		found, err := p.treat(ctx, s, phase, batch)
		phase.End(err)
		if err != nil {
			return kills, err
		}
		kills = append(kills, found...)
	}
	return kills, nil
}

// treat runs one batch; whatever becomes of it, the mesh is mended.
func (p patient) treat(ctx context.Context, s *suite.Session, phase progress.Phase, batch []Defect) (kills []report.Kill, err error) {
	defer func() {
		phase.Waiting("the mesh to be mended")
		if e := p.mend(ctx); e != nil {
			err = errors.Join(err, fmt.Errorf("the mesh still carries %s: %w: `meshgate sabotage --mend` puts it back, `meshgate down` removes it", names(batch), e))
		}
	}()
	phase.Waiting("the defects to be in every proxy")
	if err := p.inflict(ctx, batch); err != nil {
		return nil, err
	}
	phase.Waiting("the features")
	w := &witness{bed: s.Bed(), session: s, defects: batch, seen: map[string]bool{}, last: map[string]error{}}
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { defer close(watched); w.watch(watching) }()
	found, err := s.Play(ctx, suite.Round{Only: asked(batch), Foreseen: declared(batch), Follow: true, Ended: w.ended})
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

func asked(batch []Defect) map[string]bool {
	features := map[string]bool{}
	for _, d := range batch {
		for _, s := range d.Sees {
			features[s.Feature] = true
		}
	}
	return features
}

// declared tells of a step by which mismatch a defect of the batch had to make it fail.
func declared(batch []Defect) func(suite, feature string, s report.Step) (report.Mismatch, bool) {
	return func(of, feature string, step report.Step) (report.Mismatch, bool) {
		for _, d := range batch {
			for _, s := range d.Sees {
				if m, named := suite.Named(step, s.Step, s.Field); named && s.Feature == suite.Key(of, feature) {
					return m, true
				}
			}
		}
		return report.Mismatch{}, false
	}
}

// matrix compares what was found with what had to be seen. missing says why a defect was
// not seen in effect: then nothing about it was proven.
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
				suite.Compare(&k, f)
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

// Package soak makes one result of repeated runs: the distribution of each step, and the
// worst result of each feature.
package soak

import (
	"cmp"
	"slices"

	"meshgate/framework/report"
)

// Of gathers the steps of runs, in the order in which they first appear.
func Of(runs ...[]report.Suite) report.Soak {
	g := gathering{at: map[[3]string]int{}}
	for _, run := range runs {
		for _, s := range run {
			for _, f := range s.Features {
				for _, step := range f.Steps {
					g.add(s.Name, f.Name, step)
				}
			}
		}
	}
	return report.Soak{Runs: len(runs), Steps: g.done()}
}

type gathering struct {
	at              map[[3]string]int
	steps           []report.StepRuns
	took, converged [][]report.Seconds
}

func (g *gathering) add(suite, feature string, s report.Step) {
	key := [3]string{suite, feature, s.Name}
	i, there := g.at[key]
	if !there {
		i = len(g.steps)
		g.at[key] = i
		g.steps = append(g.steps, report.StepRuns{Suite: suite, Feature: feature, Step: s.Name})
		g.took, g.converged = append(g.took, nil), append(g.converged, nil)
	}
	g.steps[i].Runs++
	g.steps[i].Retries += max(0, s.Attempts-1)
	if s.Status != report.Pass && s.Status != report.Skip {
		g.steps[i].Failures++
	}
	g.took[i] = append(g.took[i], s.Took)
	if s.ConvergedAfter != nil {
		g.converged[i] = append(g.converged[i], *s.ConvergedAfter)
	}
}

func (g *gathering) done() []report.StepRuns {
	for i := range g.steps {
		g.steps[i].Took = SpreadOf(g.took[i])
		if len(g.converged[i]) > 0 {
			c := SpreadOf(g.converged[i])
			g.steps[i].Converged = &c
		}
	}
	return g.steps
}

// SpreadOf is the distribution of values, of which there must be at least one.
func SpreadOf(values []report.Seconds) report.Spread {
	v := slices.Sorted(slices.Values(values))
	rank := func(percent int) report.Seconds { return v[(len(v)*percent+99)/100-1] }
	return report.Spread{Least: v[0], Median: rank(50), P90: rank(90), Most: v[len(v)-1]}
}

// Worst is one run made of many: each suite and feature once, by its worst result, and of
// several such by the first. So a feature that failed once in fifty runs has failed, also
// when it could not be asked in another.
func Worst(runs ...[]report.Suite) []report.Suite {
	var out []report.Suite
	for _, run := range runs {
		for _, s := range run {
			i := slices.IndexFunc(out, func(o report.Suite) bool { return o.Name == s.Name })
			if i < 0 {
				s.Features = slices.Clone(s.Features)
				out = append(out, s)
				continue
			}
			worsen(&out[i], s)
		}
	}
	return out
}

func worsen(s *report.Suite, by report.Suite) {
	s.Error = cmp.Or(s.Error, by.Error)
	s.Took += by.Took
	for _, f := range by.Features {
		i := slices.IndexFunc(s.Features, func(o report.Feature) bool { return o.Name == f.Name })
		if i < 0 {
			s.Features = append(s.Features, f)
			continue
		}
		was, _ := s.Features[i].Judged()
		if is, _ := f.Judged(); is.Severity() > was.Severity() {
			s.Features[i] = f
		}
	}
}

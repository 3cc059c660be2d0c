package report

import (
	"cmp"
	"fmt"
	"slices"
)

// Soak is what repeated runs on one standing mesh showed.
type Soak struct {
	// Runs counts those that ended.
	Runs int `json:"runs"`
	// Disturbance is what was done to the surroundings meanwhile; empty: nothing.
	Disturbance string     `json:"disturbance,omitempty"`
	Steps       []StepRuns `json:"steps"`
}

// StepRuns is what one step did over all runs.
type StepRuns struct {
	Suite   string `json:"suite"`
	Feature string `json:"feature"`
	Step    string `json:"step"`
	Runs    int    `json:"runs"`
	// Failures counts the runs in which it did not pass.
	Failures int `json:"failures"`
	// Retries counts the looks beyond the first of each run.
	Retries int `json:"retries"`
	// Took and Converged are distributions over the runs; Converged is of those runs in
	// which a change of configuration was waited for.
	Took      Spread  `json:"took"`
	Converged *Spread `json:"converged,omitempty"`
}

// Spread is a distribution.
type Spread struct {
	Least  Seconds `json:"leastSeconds"`
	Median Seconds `json:"medianSeconds"`
	// P90 is the value that nine of ten do not exceed.
	P90  Seconds `json:"p90Seconds"`
	Most Seconds `json:"mostSeconds"`
}

// SoakOf gathers the steps of runs, in the order in which they first appear.
func SoakOf(runs ...[]Suite) Soak {
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
	return Soak{Runs: len(runs), Steps: g.done()}
}

// sentence says it in a line.
func (s Soak) sentence() string {
	var failed int
	var slowest StepRuns
	for _, step := range s.Steps {
		if step.Failures > 0 {
			failed++
		}
		if step.Converged != nil && (slowest.Converged == nil || step.Converged.Most > slowest.Converged.Most) {
			slowest = step
		}
	}
	out := fmt.Sprintf("asked %d times", s.Runs)
	if s.Disturbance != "" {
		out += ", disturbed by " + s.Disturbance
	}
	out += fmt.Sprintf(": %d of %d steps failed at least once", failed, len(s.Steps))
	if slowest.Converged != nil {
		out += fmt.Sprintf("; the slowest to converge took %s: %s/%s: %s", slowest.Converged.Most, slowest.Suite, slowest.Feature, slowest.Step)
	}
	return out
}

type gathering struct {
	at              map[[3]string]int
	steps           []StepRuns
	took, converged [][]Seconds
}

func (g *gathering) add(suite, feature string, s Step) {
	key := [3]string{suite, feature, s.Name}
	i, there := g.at[key]
	if !there {
		i = len(g.steps)
		g.at[key] = i
		g.steps = append(g.steps, StepRuns{Suite: suite, Feature: feature, Step: s.Name})
		g.took, g.converged = append(g.took, nil), append(g.converged, nil)
	}
	g.steps[i].Runs++
	g.steps[i].Retries += max(0, s.Attempts-1)
	if s.Status != Pass && s.Status != Skip {
		g.steps[i].Failures++
	}
	g.took[i] = append(g.took[i], s.Took)
	if s.ConvergedAfter != nil {
		g.converged[i] = append(g.converged[i], *s.ConvergedAfter)
	}
}

func (g *gathering) done() []StepRuns {
	for i := range g.steps {
		g.steps[i].Took = spreadOf(g.took[i])
		if len(g.converged[i]) > 0 {
			c := spreadOf(g.converged[i])
			g.steps[i].Converged = &c
		}
	}
	return g.steps
}

// spreadOf wants at least one value.
func spreadOf(values []Seconds) Spread {
	v := slices.Sorted(slices.Values(values))
	rank := func(percent int) Seconds { return v[(len(v)*percent+99)/100-1] }
	return Spread{Least: v[0], Median: rank(50), P90: rank(90), Most: v[len(v)-1]}
}

// Worst is one run made of many: each suite and feature once, by its worst result, and of
// several such by the first. So a feature that failed once in fifty runs has failed, also
// when it could not be asked in another.
func Worst(runs ...[]Suite) []Suite {
	var out []Suite
	for _, run := range runs {
		for _, s := range run {
			i := slices.IndexFunc(out, func(o Suite) bool { return o.Name == s.Name })
			if i < 0 {
				s.Features = slices.Clone(s.Features)
				out = append(out, s)
				continue
			}
			out[i].worsen(s)
		}
	}
	return out
}

func (s *Suite) worsen(by Suite) {
	s.Error = cmp.Or(s.Error, by.Error)
	s.Took += by.Took
	for _, f := range by.Features {
		i := slices.IndexFunc(s.Features, func(o Feature) bool { return o.Name == f.Name })
		if i < 0 {
			s.Features = append(s.Features, f)
			continue
		}
		was, _ := s.Features[i].Judged()
		if is, _ := f.Judged(); is.gravity() > was.gravity() {
			s.Features[i] = f
		}
	}
}

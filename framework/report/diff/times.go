package diff

import (
	"fmt"
	"math"
	"time"

	"meshgate/framework/report"
)

// Level is the chance of calling noise a difference that is accepted, for all the tests
// of one comparison together.
const Level = 0.05

// Times says how long steps took in both runs, and what of that is more than noise.
//
// A run has one value a step, and two single values say nothing. All the steps of a
// suite together do: if nothing but chance were at work, as many would be slower as
// faster, and by as much. That is Wilcoxon's signed-rank test. It takes steps for
// independent, which those of one run are not: a busy machine moves all of them. So it
// tells that the runs differ, and not that the mesh does. Of 55 pairs of runs of one mesh
// on a machine with other work, 24 differed by it.
type Times struct {
	// Test and Level say what Suites were tested by; P of all of them is adjusted (Holm).
	Test   string  `json:"test"`
	Level  float64 `json:"level"`
	Suites []Shift `json:"suites"`
	// SoakTest says what Soaks were tested by, where both runs are soaks; P is adjusted
	// for the number of steps (Bonferroni). Only what is more than noise is listed.
	SoakTest string `json:"soakTest,omitempty"`
	Soaks    []Span `json:"soaks,omitempty"`
	// Steps are all pairs of values. None of them is tested.
	Steps []Pair `json:"steps"`
}

// Measure is what was timed.
type Measure string

// What is timed.
const (
	Took      Measure = "took"
	Converged Measure = "converged"
)

// Shift is how the steps of a suite moved from A to B.
type Shift struct {
	Suite   string  `json:"suite"`
	Measure Measure `json:"measure"`
	// Steps counts those that were tested: passed in both runs, and not equally long.
	Steps int `json:"steps"`
	// Ratio is the median of B/A over the steps.
	Ratio float64 `json:"ratio"`
	P     float64 `json:"p"`
	// Noise is true when the difference is no more than chance among independent steps
	// would bring, at Level.
	Noise bool `json:"noise"`
}

// Pair is what one step took in both runs; of a soak, the median.
type Pair struct {
	Place
	Measure Measure        `json:"measure"`
	Was     report.Seconds `json:"wasSeconds"`
	Is      report.Seconds `json:"isSeconds"`
}

// Span is a step of which all values of one soak lie beyond all of the other.
type Span struct {
	Place
	Runs [2]int        `json:"runs"`
	Was  report.Spread `json:"was"`
	Is   report.Spread `json:"is"`
	P    float64       `json:"p"`
}

func timesOf(a, b report.Run) Times {
	t := Times{Level: Level, Steps: pairs(a, b), Suites: []Shift{},
		Test: "Wilcoxon's signed-rank test, exact and two-sided, of log(B/A) over the steps of a suite; p adjusted for all suites (Holm)"}
	t.shifts()
	if a.Soak != nil && b.Soak != nil {
		t.SoakTest = "Mann and Whitney's test, two-sided, in its extreme case: no value of one soak among those of the other; p adjusted for all steps (Bonferroni)"
		t.Soaks = spans(*a.Soak, *b.Soak)
	}
	return t
}

// shifts tests each suite and measure that there are pairs of.
func (t *Times) shifts() {
	type group struct {
		suite   string
		measure Measure
	}
	var order []group
	logs := map[group][]float64{}
	for _, p := range t.Steps {
		g := group{p.Suite, p.Measure}
		if logs[g] == nil {
			order = append(order, g)
		}
		logs[g] = append(logs[g], math.Log(float64(p.Is)/float64(p.Was)))
	}
	var ps []float64
	for _, g := range order {
		n, p := signedRank(logs[g])
		ps = append(ps, p)
		t.Suites = append(t.Suites, Shift{Suite: g.suite, Measure: g.measure, Steps: n, Ratio: math.Exp(median(logs[g]))})
	}
	for i, p := range holm(ps) {
		t.Suites[i].P, t.Suites[i].Noise = p, p >= Level
	}
}

// timed is what the steps of a run took that passed; a deadline that was run into is
// no time that the mesh took.
func timed(run report.Run) table[map[Measure]report.Seconds] {
	var t table[map[Measure]report.Seconds]
	features := featuresOf(run)
	for _, p := range features.order {
		steps := stepsOf(p, features.at[p])
		for _, sp := range steps.order {
			if s := steps.at[sp]; s.Status == report.Pass {
				t.add(sp, measured(s))
			}
		}
	}
	if run.Soak != nil {
		medians(&t, *run.Soak)
	}
	return t
}

func measured(s report.Step) map[Measure]report.Seconds {
	out := map[Measure]report.Seconds{Took: s.Took}
	if s.ConvergedAfter != nil {
		out[Converged] = *s.ConvergedAfter
	}
	return out
}

// medians take the place of the one run that a soak's report shows of each feature.
func medians(t *table[map[Measure]report.Seconds], soak report.Soak) {
	for _, s := range soak.Steps {
		m := map[Measure]report.Seconds{Took: s.Took.Median}
		if s.Converged != nil {
			m[Converged] = s.Converged.Median
		}
		p := Place{Suite: s.Suite, Feature: s.Feature, Step: s.Step}
		if _, there := t.at[p]; there {
			t.at[p] = m
		}
	}
}

func pairs(a, b report.Run) []Pair {
	out := []Pair{}
	was, is := timed(a), timed(b)
	for _, p := range was.order {
		for _, m := range []Measure{Took, Converged} {
			// Nothing and a missing one alike are 0, which has no ratio.
			if x, y := was.at[p][m], is.at[p][m]; x > 0 && y > 0 {
				out = append(out, Pair{p, m, x, y})
			}
		}
	}
	return out
}

// spans are the steps that do not overlap by more than chance. A report has no single
// values of a soak, only the least and the most: anything less than that cannot be told.
func spans(a, b report.Soak) []Span {
	was := map[Place]report.StepRuns{}
	for _, s := range a.Steps {
		was[Place{Suite: s.Suite, Feature: s.Feature, Step: s.Step}] = s
	}
	var out []Span
	tested := 0
	for _, is := range b.Steps {
		p := Place{Suite: is.Suite, Feature: is.Feature, Step: is.Step}
		old, there := was[p]
		if !there || old.Failures > 0 || is.Failures > 0 {
			continue
		}
		tested++
		if is.Took.Least > old.Took.Most || is.Took.Most < old.Took.Least {
			out = append(out, Span{p, [2]int{old.Runs, is.Runs}, old.Took, is.Took, apart(old.Runs, is.Runs)})
		}
	}
	return beyond(out, tested)
}

// beyond keeps what is more than noise among so many.
func beyond(all []Span, tested int) []Span {
	var out []Span
	for _, s := range all {
		if s.P = min(1, s.P*float64(tested)); s.P < Level {
			out = append(out, s)
		}
	}
	return out
}

// words says what came of the test.
func (s Shift) words() string {
	switch {
	case s.Noise:
		return fmt.Sprintf("no more than noise (p = %.2g, %d steps)", s.P, s.Steps)
	case s.Ratio > 1:
		return fmt.Sprintf("the run was slower (p = %.2g, %d steps)", s.P, s.Steps)
	default:
		return fmt.Sprintf("the run was faster (p = %.2g, %d steps)", s.P, s.Steps)
	}
}

// far is how much longer or shorter.
func (p Pair) far() time.Duration { return time.Duration(p.Is - p.Was).Abs() }

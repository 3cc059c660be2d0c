package report

import (
	"fmt"
	"time"
)

// convergence is how long changes of configuration took to be seen, by suite.
type convergence struct {
	Ticks []tick
	Rows  []convergedRow
}

type convergedRow struct {
	Suite                    string
	Steps                    int
	Least, Median, P90, Most string
	Spread                   spreadView
	Dots                     []dot
}

type dot struct{ X, Title string }

// spreadView is a distribution as a picture: a line from the least to the most, a
// box to where nine of ten are, and the median.
type spreadView struct{ Least, Most, Box, Median string }

// convergenceOf is nil where no step waited for a change.
func convergenceOf(t *texts, suites []Suite) *convergence {
	all := make([][]Seconds, len(suites))
	var most Seconds
	for i, s := range suites {
		eachConverged(s, func(_ Feature, _ Step, after Seconds) {
			all[i], most = append(all[i], after), max(most, after)
		})
	}
	sc := scale{time.Duration(most)}
	out := convergence{Ticks: sc.ticks()}
	for i, s := range suites {
		if len(all[i]) > 0 {
			out.Rows = append(out.Rows, convergedOf(t, sc, s, spreadOf(all[i]), len(all[i])))
		}
	}
	if len(out.Rows) == 0 {
		return nil
	}
	return &out
}

func convergedOf(t *texts, sc scale, s Suite, sp Spread, steps int) convergedRow {
	r := convergedRow{Suite: t.line(s.Name), Steps: steps, Least: sp.Least.String(), Median: sp.Median.String(), P90: sp.P90.String(), Most: sp.Most.String(), Spread: sc.spread(sp)}
	eachConverged(s, func(f Feature, step Step, after Seconds) {
		title := fmt.Sprintf("%s: %s, %s", t.line(f.Name), t.line(step.Name), after)
		r.Dots = append(r.Dots, dot{sc.at(time.Duration(after)), title})
	})
	return r
}

func eachConverged(s Suite, do func(Feature, Step, Seconds)) {
	for _, f := range s.Features {
		for _, step := range f.Steps {
			if step.ConvergedAfter != nil {
				do(f, step, *step.ConvergedAfter)
			}
		}
	}
}

func (s scale) spread(sp Spread) spreadView {
	least, p90 := time.Duration(sp.Least), time.Duration(sp.P90)
	return spreadView{Least: s.at(least), Most: s.at(time.Duration(sp.Most)), Median: s.at(time.Duration(sp.Median)),
		Box: percent(s.share(p90) - s.share(least))}
}

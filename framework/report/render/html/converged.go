package html

import (
	"fmt"
	"time"

	"meshgate/framework/report"
	"meshgate/framework/report/soak"
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
func convergenceOf(t *texts, suites []report.Suite) *convergence {
	all := make([][]report.Seconds, len(suites))
	var most report.Seconds
	for i, s := range suites {
		eachConverged(s, func(_ report.Feature, _ report.Step, after report.Seconds) {
			all[i], most = append(all[i], after), max(most, after)
		})
	}
	sc := scale{time.Duration(most)}
	out := convergence{Ticks: sc.ticks()}
	for i, s := range suites {
		if len(all[i]) > 0 {
			out.Rows = append(out.Rows, convergedOf(t, sc, s, soak.SpreadOf(all[i]), len(all[i])))
		}
	}
	if len(out.Rows) == 0 {
		return nil
	}
	return &out
}

func convergedOf(t *texts, sc scale, s report.Suite, sp report.Spread, steps int) convergedRow {
	r := convergedRow{Suite: t.line(s.Name), Steps: steps, Least: sp.Least.String(), Median: sp.Median.String(), P90: sp.P90.String(), Most: sp.Most.String(), Spread: sc.spread(sp)}
	eachConverged(s, func(f report.Feature, step report.Step, after report.Seconds) {
		title := fmt.Sprintf("%s: %s, %s", t.line(f.Name), t.line(step.Name), after)
		r.Dots = append(r.Dots, dot{sc.at(time.Duration(after)), title})
	})
	return r
}

func eachConverged(s report.Suite, do func(report.Feature, report.Step, report.Seconds)) {
	for _, f := range s.Features {
		for _, step := range f.Steps {
			if step.ConvergedAfter != nil {
				do(f, step, *step.ConvergedAfter)
			}
		}
	}
}

func (s scale) spread(sp report.Spread) spreadView {
	least, p90 := time.Duration(sp.Least), time.Duration(sp.P90)
	return spreadView{Least: s.at(least), Most: s.at(time.Duration(sp.Most)), Median: s.at(time.Duration(sp.Median)),
		Box: percent(s.share(p90) - s.share(least))}
}

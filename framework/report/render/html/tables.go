package html

import (
	"cmp"
	"slices"
	"time"

	"meshgate/framework/report"
)

// killView is the kill matrix: what is not as declared first and apart.
type killView struct {
	Counts    []count
	Bad, Good []killRow
}

type killRow struct {
	Outcome, Class, Sign, By, Suite, Feature, Wrong, Step, Field, Got, Took string
}

func killViewOf(t *texts, kills []report.Kill) *killView {
	if len(kills) == 0 {
		return nil
	}
	kills = slices.Clone(kills)
	slices.SortStableFunc(kills, func(a, b report.Kill) int {
		return cmp.Or(cmp.Compare(severity(a.Outcome), severity(b.Outcome)), cmp.Compare(a.Suite, b.Suite), cmp.Compare(a.Feature, b.Feature))
	})
	var v killView
	for _, k := range kills {
		row := killRow{t.line(string(k.Outcome)), string(k.Status()), sign(string(k.Status())), t.line(string(k.By)), t.line(k.Suite), t.line(k.Feature),
			t.line(k.Wrong), t.line(k.Step), t.line(k.Field), t.line(k.Got), k.Took.String()}
		if k.Status() == report.Pass {
			v.Good = append(v.Good, row)
		} else {
			v.Bad = append(v.Bad, row)
		}
		v.count(row)
	}
	return &v
}

func (v *killView) count(row killRow) {
	i := slices.IndexFunc(v.Counts, func(c count) bool { return c.Word == row.Outcome })
	if i < 0 {
		v.Counts = append(v.Counts, count{row.Class, row.Outcome, 0})
		i = len(v.Counts) - 1
	}
	v.Counts[i].N++
}

// severity is the order of the outcomes: a survivor is what a suite is worst for.
// What went as declared is one kind.
func severity(o report.KillOutcome) int {
	switch o {
	case report.Survived:
		return 0
	case report.WrongReason:
		return 1
	case report.Collateral:
		return 2
	case report.Killed, report.Unharmed:
		return 5
	case report.NotShown:
		return 4
	default:
		return 3
	}
}

// soakView is the table of repeated runs: the steps that failed first and apart.
type soakView struct {
	Runs                 int
	Disturbance, Longest string
	Bad, Good            []soakRow
}

type soakRow struct {
	Suite, Feature, Step    string
	Runs, Failures, Retries int
	Took                    string
	Converged               *soakSpread
}

type soakSpread struct {
	Text string
	spreadView
}

func soakViewOf(t *texts, s *report.Soak) *soakView {
	if s == nil {
		return nil
	}
	steps := slices.Clone(s.Steps)
	slices.SortStableFunc(steps, func(a, b report.StepRuns) int {
		return cmp.Or(cmp.Compare(b.Failures, a.Failures), cmp.Compare(b.Retries, a.Retries))
	})
	var most report.Seconds
	for _, r := range steps {
		if r.Converged != nil {
			most = max(most, r.Converged.Most)
		}
	}
	v := soakView{Runs: s.Runs, Disturbance: t.line(s.Disturbance), Longest: most.String()}
	for _, r := range steps {
		row := soakRow{t.line(r.Suite), t.line(r.Feature), t.line(r.Step), r.Runs, r.Failures, r.Retries, spreadText(r.Took), nil}
		if r.Converged != nil {
			row.Converged = &soakSpread{spreadText(*r.Converged), scale{time.Duration(most)}.spread(*r.Converged)}
		}
		if r.Failures > 0 {
			v.Bad = append(v.Bad, row)
		} else {
			v.Good = append(v.Good, row)
		}
	}
	return &v
}

// spreadText is the median, and the range where there is one.
func spreadText(s report.Spread) string {
	if s.Least == s.Most {
		return s.Median.String()
	}
	return s.Median.String() + " (" + s.Least.String() + " to " + s.Most.String() + ")"
}

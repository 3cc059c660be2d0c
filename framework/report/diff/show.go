package diff

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"meshgate/framework/printable"
	"meshgate/framework/report"
)

const (
	// maxCell bounds a text in the table; the JSON document has all of it.
	maxCell = 100
	// maxPairs is how many single differences are shown.
	maxPairs = 5
	// maxRows is how many rows of a section are shown.
	maxRows = 20
	// maxName bounds the first column.
	maxName = 70
)

// Show writes the comparison as plain tables, without what did not change.
func Show(w io.Writer, d Diff) error {
	s := &screen{}
	s.section("", [][]string{side("A", d.A), side("B", d.B)})
	for _, note := range d.Notes {
		s.line("note: " + note)
	}
	if d.A.Outcome != d.B.Outcome {
		s.line(fmt.Sprintf("verdict: %s → %s", d.A.Outcome, d.B.Outcome))
	}
	s.section("status changed", each(d.Features, statusRow))
	s.section("only in A", each(d.Went, placeRow))
	s.section("only in B", each(d.Came, placeRow))
	s.section("seen by steps that failed", each(d.Failures, failureRow))
	s.section("errors of phases and suites", each(d.Broken, changeRow))
	s.section("ran on", each(d.Facts, changeRow))
	moved := slices.ContainsFunc(d.Times.Steps, func(p Pair) bool { return p.Was != p.Is })
	switch {
	case d.Nothing() && moved:
		s.line("nothing changed but times")
	case d.Nothing():
		s.line("nothing changed")
	}
	if moved {
		s.times(d.Times)
	}
	s.end(d.Worse)
	_, err := io.WriteString(w, s.String())
	return err
}

type screen struct{ strings.Builder }

func (s *screen) line(text string) { s.WriteString(printable.Line(text) + "\n") }

// section is a table under a title; an empty one is left out.
func (s *screen) section(title string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	indent := ""
	if title != "" {
		s.line(title + ":")
		indent = "  "
	}
	w := tabwriter.NewWriter(s, 0, 0, 2, ' ', 0)
	for _, row := range rows[:min(maxRows, len(rows))] {
		cells := []string{printable.Short(row[0], maxName)}
		for _, c := range row[1:] {
			cells = append(cells, printable.Short(c, maxCell))
		}
		fmt.Fprintln(w, indent+strings.Join(cells, "\t"))
	}
	_ = w.Flush() // a strings.Builder takes everything
	if more := len(rows) - maxRows; more > 0 {
		s.line(fmt.Sprintf("  … %d more: --json has all", more))
	}
}

func each[T any](all []T, row func(T) []string) [][]string {
	var rows [][]string
	for _, v := range all {
		rows = append(rows, row(v))
	}
	return rows
}

func side(name string, s Side) []string {
	return []string{name, s.ID, s.Started.UTC().Format("2006-01-02 15:04"), s.Sentence}
}

func statusRow(f Feature) []string {
	cause := f.IsCause
	if f.Is == report.Pass {
		cause = "was: " + f.WasCause
	}
	return []string{f.String(), fmt.Sprintf("%s → %s", f.Was, f.Is), cause}
}

func placeRow(p Place) []string { return []string{p.String()} }

func failureRow(f Failure) []string {
	return []string{f.String(), cmp.Or(f.Is, f.Was).Field, mismatch(f.Was) + " → " + mismatch(f.Is)}
}

// mismatch is short: the field stands beside it.
func mismatch(m *report.Mismatch) string {
	if m == nil {
		return "–"
	}
	if m.Want == "" {
		return printable.Short(m.Got, maxCell/2)
	}
	return printable.Short(fmt.Sprintf("want %q, got %q", m.Want, m.Got), maxCell/2)
}

func changeRow(c Change) []string {
	return []string{c.What, cmp.Or(printable.Short(c.Was, maxCell/2), "–") + " → " + cmp.Or(printable.Short(c.Is, maxCell/2), "–")}
}

func (s *screen) times(t Times) {
	s.section("times, B against A", each(t.Suites, func(x Shift) []string {
		return []string{x.Suite, string(x.Measure), fmt.Sprintf("%.2f×", x.Ratio), x.words()}
	}))
	s.line(fmt.Sprintf("  by %s; level %g %% for all together", t.Test, t.Level*100))
	s.line("  the steps of one run share its machine and its load: this tells that the runs differ, not that the mesh does")
	s.section("steps of the soaks that are apart", each(t.Soaks, func(x Span) []string {
		return []string{x.String(), fmt.Sprintf("%s…%s → %s…%s", x.Was.Least, x.Was.Most, x.Is.Least, x.Is.Most), fmt.Sprintf("p = %.2g", x.P)}
	}))
	if t.SoakTest != "" {
		s.line("  by " + t.SoakTest)
	}
	s.section("largest single differences (one value each: not tested)", each(largest(t.Steps), func(p Pair) []string {
		return []string{p.String(), string(p.Measure), fmt.Sprintf("%s → %s", p.Was, p.Is)}
	}))
}

// largest are the pairs that are farthest apart, by what they took.
func largest(all []Pair) []Pair {
	took := slices.DeleteFunc(slices.Clone(all), func(p Pair) bool { return p.Measure != Took || p.Was == p.Is })
	slices.SortStableFunc(took, func(a, b Pair) int { return cmp.Compare(b.far(), a.far()) })
	return took[:min(maxPairs, len(took))]
}

func (s *screen) end(worse []string) {
	if len(worse) == 0 {
		s.line("B is the same or better")
		return
	}
	s.section("B is worse", each(worse, func(why string) []string { return []string{why} }))
}

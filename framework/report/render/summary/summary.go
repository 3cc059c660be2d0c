// Package summary shows a run on one screen of a terminal.
package summary

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"meshgate/framework/printable"
	"meshgate/framework/report"
	"meshgate/framework/report/render/wording"
)

const (
	// defaultWidth is used where the writer is no terminal.
	defaultWidth = 120
	// minNote keeps notes readable on a narrow terminal, which then wraps.
	minNote = 20
	// maxRows is what fits on one screen with the lines below the table. Beyond
	// it, the features that passed become one line a suite.
	maxRows = 30
	// maxNotes are shown below the verdict: each feature of each run may have made one.
	maxNotes = 12
	// maxName bounds names from outside; ours are far shorter.
	maxName = 40
)

// Print shows the run on one screen: a table of features, the verdict, and
// where to look further. files are those that render.Write wrote; without them no
// paths are shown, so that the verdict is there even when nothing could be written.
func Print(w io.Writer, run report.Run, files ...string) error {
	width, terminal := widthOf(w)
	rows := rowsOf(run)
	var b strings.Builder
	if len(rows) > 0 {
		b.WriteString(tableOf(rows, width, terminal))
		b.WriteByte('\n')
	}
	v := run.Verdict
	if v.Outcome == "" {
		v = report.Judge(run, run.RequireFull)
	}
	b.WriteString(colour(verdictColour(v), terminal, printable.Line(v.Sentence)) + "\n")
	for _, line := range append(firstLines(wording.Notes(run)), pointers(run, files)...) {
		b.WriteString(printable.Line(line) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

type row struct {
	suite, feature string
	status         report.Status
	took, note     string
}

func rowsOf(run report.Run) []row {
	var all, short []row
	for _, s := range run.Suites {
		passed, took := 0, report.Seconds(0)
		for _, f := range s.Features {
			r := rowOf(s.Name, f)
			all = append(all, r)
			if r.status == report.Pass {
				passed, took = passed+1, took+f.Took
				continue
			}
			short = append(short, r)
		}
		if passed > 0 {
			short = append(short, row{s.Name, fmt.Sprintf("(%d others)", passed), report.Pass, took.String(), ""})
		}
	}
	if len(all) > maxRows {
		return short
	}
	return all
}

func rowOf(suite string, f report.Feature) row {
	status, cause := f.Judged()
	r := row{suite, f.Name, status, f.Took.String(), cause}
	if status == report.Pass {
		r.note = wording.PassNote(f)
	}
	return r
}

func tableOf(rows []row, width int, terminal bool) string {
	t := table.NewWriter()
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Options.SeparateHeader = true
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 4, Align: text.AlignRight, AlignHeader: text.AlignRight}})
	t.AppendHeader(table.Row{"suite", "feature", "status", "took", "note"})
	room := noteRoom(rows, width)
	suite := ""
	for _, r := range rows {
		shown := r.suite
		if shown == suite {
			shown = ""
		}
		suite = r.suite
		t.AppendRow(table.Row{printable.Short(shown, maxName), printable.Short(r.feature, maxName),
			colour(statusColour(r.status), terminal, string(r.status)), r.took, snip(r.note, room)})
	}
	var lines []string
	for line := range strings.Lines(t.Render()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return strings.Join(lines, "\n") + "\n"
}

// noteRoom is what the other columns leave of the width.
func noteRoom(rows []row, width int) int {
	suite, feature, took := len("suite"), len("feature"), len("took")
	for _, r := range rows {
		suite = max(suite, text.StringWidth(printable.Short(r.suite, maxName)))
		feature = max(feature, text.StringWidth(printable.Short(r.feature, maxName)))
		took = max(took, len(r.took))
	}
	const padding = 5 * 2
	return max(minNote, width-suite-feature-took-len(report.Inconclusive)-padding-1)
}

// snip cuts by the columns that the text takes, wide characters counting two.
func snip(s string, columns int) string {
	return text.Snip(printable.Line(s), columns, "…")
}

func statusColour(s report.Status) text.Color {
	switch s {
	case report.Pass:
		return text.FgGreen
	case report.Fail:
		return text.FgRed
	default:
		return text.FgYellow
	}
}

func verdictColour(v report.Verdict) text.Color {
	switch {
	case v.Outcome == report.OutcomePass:
		return text.FgGreen
	case v.Outcome == report.OutcomeFail:
		return text.FgRed
	default:
		return text.FgYellow
	}
}

// colour uses escape sequences of its own, because go-pretty decides by the
// process's standard output, and w may be another.
func colour(c text.Color, terminal bool, s string) string {
	if !terminal {
		return s
	}
	return c.EscapeSeq() + s + text.Reset.EscapeSeq()
}

// firstLines keeps the first, and says how many it left out.
func firstLines(lines []string) []string {
	if more := len(lines) - maxNotes; more > 0 {
		return append(lines[:maxNotes:maxNotes], fmt.Sprintf("and %d notes more, which the report has", more))
	}
	return lines
}

func pointers(run report.Run, files []string) []string {
	if len(files) == 0 {
		return nil
	}
	out := []string{"report:   " + readable(files)}
	if e := firstEvidence(run); e != "" {
		out = append(out, "evidence: "+filepath.Join(filepath.Dir(files[0]), filepath.Dir(filepath.FromSlash(e))))
	}
	return out
}

// readable is the file that people read, or the first where that is not among them.
func readable(files []string) string {
	if i := slices.IndexFunc(files, func(f string) bool { return filepath.Base(f) == report.FileHTML }); i >= 0 {
		return files[i]
	}
	return files[0]
}

func firstEvidence(run report.Run) string {
	for _, s := range run.Suites {
		for _, f := range s.Features {
			for _, step := range f.Steps {
				if len(step.Evidence) > 0 {
					return step.Evidence[0]
				}
			}
		}
	}
	return ""
}

func widthOf(w io.Writer) (columns int, terminal bool) {
	columns, err := terminalWidth(w)
	if err != nil || columns <= 0 {
		return defaultWidth, false
	}
	return columns, true
}

func terminalWidth(w io.Writer) (int, error) {
	f, ok := w.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, errors.New("not a terminal")
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	return columns, err
}

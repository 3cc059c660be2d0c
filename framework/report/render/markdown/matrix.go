package markdown

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"meshgate/framework/report"
)

// KillMatrix gives the kill matrix as Markdown: what is not as declared first, then a table
// for each suite. A run without one gives nothing.
func KillMatrix(run report.Run) ([]byte, error) {
	if len(run.Kills) == 0 {
		return nil, nil
	}
	var b strings.Builder
	counts := map[report.KillOutcome]int{}
	var bad []report.Kill
	for _, k := range run.Kills {
		counts[k.Outcome]++
		if k.Status() != report.Pass {
			bad = append(bad, k)
		}
	}
	fmt.Fprintf(&b, "# Kill matrix\n\nRun %s on %s %s: %d cells", run.ID, run.Facts.Mesh.Flavour, run.Facts.Mesh.Version, len(run.Kills))
	for _, o := range []report.KillOutcome{report.Killed, report.Unharmed, report.Survived, report.WrongReason, report.Collateral, report.NotShown} {
		if counts[o] > 0 {
			fmt.Fprintf(&b, ", %d %s", counts[o], o)
		}
	}
	b.WriteString(".\n\n## Not as declared\n\n")
	if len(bad) == 0 {
		b.WriteString("Nothing.\n")
	} else {
		rows(&b, bad, true)
	}
	for _, suite := range suitesOf(run.Kills) {
		fmt.Fprintf(&b, "\n## %s\n\n", suite)
		rows(&b, slices.DeleteFunc(slices.Clone(run.Kills), func(k report.Kill) bool { return k.Suite != suite || k.Outcome == report.Unharmed }), false)
	}
	return []byte(b.String()), nil
}

func suitesOf(kills []report.Kill) []string {
	var all []string
	for _, k := range kills {
		if !slices.Contains(all, k.Suite) {
			all = append(all, k.Suite)
		}
	}
	return all
}

// rows are sorted by feature; what was seen is shown only where it matters.
func rows(b *strings.Builder, kills []report.Kill, seen bool) {
	slices.SortStableFunc(kills, func(x, y report.Kill) int {
		return cmp.Or(strings.Compare(x.Suite, y.Suite), strings.Compare(x.Feature, y.Feature), strings.Compare(string(y.By), string(x.By)))
	})
	head, line := "| feature | made wrong | red at | by | outcome |", "|---|---|---|---|---|"
	if seen {
		head, line = head+" seen |", line+"---|"
	}
	b.WriteString(head + "\n" + line + "\n")
	for _, k := range kills {
		wrong := k.Wrong
		if k.By == report.Defective {
			wrong = "defect " + wrong
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |", k.Feature, span(wrong), span(k.Step), span(k.Field), k.Outcome)
		if seen {
			b.WriteString(" " + span(k.Got))
			if len(k.Evidence) > 0 {
				b.WriteString("; evidence in " + span(path.Dir(k.Evidence[0])))
			}
			b.WriteString(" |")
		}
		b.WriteByte('\n')
	}
}

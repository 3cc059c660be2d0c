// Package markdown gives a run as Markdown: a summary for CI servers, and the kill matrix.
package markdown

import (
	"cmp"
	"fmt"
	"html"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"

	"meshgate/framework/printable"
	"meshgate/framework/report"
	"meshgate/framework/report/render/wording"
)

const (
	// maxMarkdown bounds the page: GitHub takes 1 MiB for a step's summary, and what else
	// the step writes goes into the same.
	maxMarkdown = 512 << 10
	// maxReds bounds the table, so that how to reproduce has room behind it.
	maxReds = maxMarkdown / 2
	// maxCommand bounds the command; the report has all of it.
	maxCommand = 4000
)

// Summary gives the run as a page for a CI server: the verdict, what is not green, how
// to reproduce it, and folded away the rest. Whatever came from outside stands in code
// spans with every special character as a numeric entity, so that it makes neither
// markup nor links, mentions or references.
func Summary(run report.Run) ([]byte, error) {
	p := &page{}
	p.head(run)
	p.table(reds(run))
	p.notes(wording.Notes(run))
	p.reproduce(run)
	p.folded(greens(run))
	return []byte(p.String()), nil
}

type page struct{ strings.Builder }

func (p *page) head(run report.Run) {
	c := run.Verdict.Counts
	fmt.Fprintf(p, "## meshgate: %s\n\n%s\n\n", span(string(run.Verdict.Outcome)), span(run.Verdict.Sentence))
	fmt.Fprintf(p, "| features | passed | failed | in error | inconclusive | skipped |\n|---|---|---|---|---|---|\n| %d | %d | %d | %d | %d | %d |\n\n",
		c.Features, c.Passed, c.Failed, c.Errors, c.Inconclusive, c.Skipped)
	m, k := run.Facts.Mesh, run.Facts.Cluster
	fmt.Fprintf(p, "Mesh %s on Kubernetes %s", span(cmp.Or(strings.TrimSpace(m.Flavour+" "+m.Version+" "+m.Revision), "unknown")),
		span(cmp.Or(strings.TrimSpace(k.Kubernetes+" "+k.Provider), "unknown")))
	fmt.Fprintf(p, ", run %s", span(run.ID))
	if !run.Ended.IsZero() {
		fmt.Fprintf(p, ", took %s", report.Seconds(run.Ended.Sub(run.Started)))
	}
	p.WriteString(".\n\n")
}

// reds are the rows of what is not green: phases, suites and features.
func reds(run report.Run) []string {
	var rows []string
	add := func(suite, feature string, status report.Status, cause, evidence string) {
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s | %s |\n", span(suite), span(feature), status, span(cause), evidenceLink(evidence)))
	}
	for _, p := range run.Phases {
		if p.Error != "" {
			add("phase", p.Name, report.Error, p.Error, "")
		}
	}
	for _, s := range run.Suites {
		if s.Error != "" {
			add(s.Name, "", report.Error, s.Error, "")
		}
		for _, f := range s.Features {
			if status, cause := f.Judged(); status != report.Pass {
				add(s.Name, f.Name, status, strings.TrimSpace(cause+"  "+wording.FirstWrongHop(f)), evidenceFolder(f))
			}
		}
	}
	return rows
}

// evidenceFolder is the folder of the feature's first evidence.
func evidenceFolder(f report.Feature) string {
	for _, s := range f.Steps {
		if len(s.Evidence) > 0 {
			return path.Dir(s.Evidence[0])
		}
	}
	return ""
}

func greens(run report.Run) []string {
	var rows []string
	for _, s := range run.Suites {
		for _, f := range s.Features {
			if status, _ := f.Judged(); status == report.Pass {
				rows = append(rows, fmt.Sprintf("- %s %s\n", span(s.Name+"/"+f.Name), f.Took))
			}
		}
	}
	return rows
}

func (p *page) table(rows []string) {
	if len(rows) == 0 {
		return
	}
	p.WriteString("### Not green\n\n| suite | feature | status | cause | evidence |\n|---|---|---|---|---|\n")
	p.rows(rows, maxReds, "| | %d more: see "+report.FileJSON+" | | | |\n")
	p.WriteByte('\n')
}

func (p *page) notes(lines []string) {
	if len(lines) == 0 {
		return
	}
	var rows []string
	for _, line := range lines {
		rows = append(rows, "- "+span(line)+"\n")
	}
	p.WriteString("### Notes\n\n")
	p.rows(rows, maxReds+maxReds/4, "- %d more: see "+report.FileJSON+"\n")
	p.WriteByte('\n')
}

func (p *page) reproduce(run report.Run) {
	command := run.Reproduce()
	if command == "" {
		return
	}
	fmt.Fprintf(p, "### Reproduce\n\n<pre><code>%s</code></pre>\n\nThe settings in force are under `config` in %s.\n\n", entities(printable.Short(command, maxCommand)), report.FileJSON)
}

func (p *page) folded(rows []string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(p, "<details><summary>%s passed</summary>\n\n", report.NumberOfFeatures(len(rows)))
	p.rows(rows, maxMarkdown-100, "- %d more: see "+report.FileJSON+"\n")
	p.WriteString("\n</details>\n")
}

// rows writes rows while the page stays below most bytes, and says how many it left out.
func (p *page) rows(rows []string, most int, rest string) {
	for i, row := range rows {
		if p.Len()+len(row) > most {
			fmt.Fprintf(p, rest, len(rows)-i)
			return
		}
		p.WriteString(row)
	}
}

// span is one text from outside; nothing stays nothing.
func span(text string) string {
	if text == "" {
		return ""
	}
	return "<code>" + entities(printable.Short(text, report.MaxCause)) + "</code>"
}

// entities leaves letters, digits and a few signs that mean nothing anywhere.
func entities(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" ,/-", r) {
			b.WriteRune(r)
			continue
		}
		b.WriteString("&#" + strconv.Itoa(int(r)) + ";")
	}
	return b.String()
}

// evidenceLink links a folder below the page's own; what leads elsewhere is only named.
func evidenceLink(folder string) string {
	clean := path.Clean(folder)
	if folder == "" || clean != folder || path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return span(folder)
	}
	var parts []string
	for part := range strings.SplitSeq(clean, "/") {
		parts = append(parts, url.PathEscape(part))
	}
	return `<a href="` + html.EscapeString("./"+strings.Join(parts, "/")) + `">` + span(folder) + `</a>`
}

// Package html shows a run as one page for people, which needs nothing but a browser.
package html

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"

	"meshgate/framework/report"
)

//go:embed page/*.tmpl page/page.css
var files embed.FS

// page is what the templates show: texts already printable and bounded, numbers
// already in words, links already known to be harmless.
type page struct {
	Style     template.CSS
	StyleHash string // of Style, in base64, for the content security policy

	ID, Outcome, Class, Sentence string
	Counts                       []count
	Headline                     []fact
	First, FirstMore             []firstView
	Kills                        *killView
	Soak                         *soakView
	Suites                       []suiteView
	Claims                       bool // the suites are claims of the kill matrix
	Timeline                     *timeline
	Converged                    *convergence
	Phases                       []phaseView
	Skips                        []featureView
	Notes                        []string
	Facts                        factsView
	JSON, JUnit                  string
	Cut                          int // texts that are not shown whole
}

// count is a number of features of one status.
type count struct {
	Status string // also the class that gives its colour
	Word   string
	N      int
}

// Render gives the run as one page that needs no network, no script and no other
// file: the verdict, what to look at first, every feature with its steps, a
// timeline, convergence times, the kill matrix and the soak table where there are
// such, and what the run ran on. Its links lead to the evidence beside it. Texts
// are made printable, escaped and bounded; the JSON report has all of them.
func Render(run report.Run) ([]byte, error) {
	style, err := files.ReadFile("page/page.css")
	if err != nil {
		return nil, fmt.Errorf("report %s: %w", run.ID, err)
	}
	t, err := template.ParseFS(files, "page/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("report %s: templates: %w", run.ID, err)
	}
	p := pageOf(run)
	sum := sha256.Sum256(style)
	p.Style, p.StyleHash = template.CSS(style), base64.StdEncoding.EncodeToString(sum[:]) //nolint:gosec // our own file
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "page.tmpl", p); err != nil {
		return nil, fmt.Errorf("report %s: cannot be shown as HTML: %w", run.ID, err)
	}
	return b.Bytes(), nil
}

func pageOf(run report.Run) page {
	v := run.Verdict
	if v.Outcome == "" {
		v = report.Judge(run, run.RequireFull)
	}
	t := &texts{left: maxAll}
	p := page{
		ID: t.line(run.ID), Outcome: t.line(string(v.Outcome)), Class: outcomeClass(v.Outcome), Sentence: t.line(v.Sentence),
		Counts: countsOf(v.Counts), Headline: headline(t, run), Claims: len(run.Kills) > 0,
		Kills: killViewOf(t, run.Kills), Soak: soakViewOf(t, run.Soak), Suites: suiteViews(t, run.Suites),
		Timeline: timelineOf(t, run), Converged: convergenceOf(t, run.Suites), Phases: phasesOf(t, run.Phases),
		Notes: t.lines(run.Notes), Facts: factsOf(t, run), JSON: report.FileJSON, JUnit: report.FileJUnit,
	}
	for _, s := range p.Suites {
		for _, f := range s.Features {
			if report.Status(f.Status) == report.Skip {
				p.Skips = append(p.Skips, f)
			}
		}
	}
	first := p.urgent()
	p.First, p.FirstMore = first[:min(len(first), maxOpen)], first[min(len(first), maxOpen):]
	p.Cut = t.cut
	return p
}

// countsOf leaves out what did not happen.
func countsOf(c report.Counts) []count {
	var out []count
	for _, n := range []count{
		{string(report.Fail), "failed", c.Failed}, {string(report.Error), "in error", c.Errors},
		{string(report.Inconclusive), "inconclusive", c.Inconclusive}, {string(report.Skip), "skipped", c.Skipped},
		{string(report.Pass), "passed", c.Passed},
	} {
		if n.N > 0 {
			out = append(out, n)
		}
	}
	return out
}

// outcomeClass is the status whose colour and sign the outcome has.
func outcomeClass(o report.Outcome) string {
	switch o {
	case report.OutcomePass:
		return string(report.Pass)
	case report.OutcomeFail:
		return string(report.Fail)
	case report.OutcomePartial:
		return string(report.Skip)
	case report.OutcomeInconclusive:
		return string(report.Inconclusive)
	default:
		return string(report.Error)
	}
}

// sign is the status as a sign, for those who do not tell colours apart.
func sign(status string) string {
	switch report.Status(status) {
	case report.Pass:
		return "✓"
	case report.Fail:
		return "✗"
	case report.Skip:
		return "–"
	case report.Inconclusive:
		return "?"
	default:
		return "!"
	}
}

package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"meshgate/framework/printable"
)

// MaxCause bounds a cause where it is shown in one line, in runes; the whole text is in
// report.json.
const MaxCause = 300

// tally is what the verdict is made from: counts, and the first of each kind.
type tally struct {
	counts Counts
	first  map[Status]string // "suite/Feature: cause"
	broken string            // first phase or suite that ended in an error
}

func tallyOf(run Run) tally {
	t := tally{first: map[Status]string{}}
	for _, p := range run.Phases {
		if p.Error != "" {
			t.breaks("phase "+p.Name, p.Error)
		}
	}
	for _, s := range run.Suites {
		if s.Error != "" {
			t.breaks(s.Name, s.Error)
		}
		for _, f := range s.Features {
			t.add(s.Name, f)
		}
	}
	return t
}

func (t *tally) breaks(what, why string) {
	if t.broken == "" {
		t.broken = what + ": " + why
	}
}

func (t *tally) add(suite string, f Feature) {
	status, cause := f.Judged()
	t.counts.Add(status)
	if _, seen := t.first[status]; !seen {
		t.first[status] = suite + "/" + f.Name + ": " + cause
	}
}

func (t *tally) outcome(run Run) Outcome {
	switch {
	case run.Interrupted != "":
		return OutcomeInterrupted
	case t.counts.Failed > 0:
		return OutcomeFail
	case t.broken != "" || t.counts.Errors > 0:
		return OutcomeInfrastructure
	case t.counts.Inconclusive > 0 || t.counts.Ran() == 0:
		return OutcomeInconclusive
	case t.counts.Skipped > 0:
		return OutcomePartial
	default:
		return OutcomePass
	}
}

func (t *tally) sentence(run Run, v Verdict) string {
	parts := []string{string(v.Outcome)}
	if lead := t.lead(run, v); lead != "" {
		parts = append(parts, printable.Short(lead, MaxCause))
	}
	return strings.Join(parts, ": ") + t.tail(v)
}

// lead is the cause: what a person would ask first.
func (t *tally) lead(run Run, v Verdict) string {
	switch v.Outcome {
	case OutcomeInterrupted:
		return "by " + run.Interrupted
	case OutcomeFail:
		return t.first[Fail]
	case OutcomeInfrastructure:
		if t.broken != "" {
			return t.broken
		}
		return t.first[Error]
	case OutcomeInconclusive:
		if t.counts.Inconclusive > 0 {
			return t.first[Inconclusive]
		}
		return "nothing ran: " + t.nothing(run.Selection)
	case OutcomePartial:
		return t.first[Skip]
	default:
		return ""
	}
}

// nothing says why no feature ran.
func (t *tally) nothing(s Selection) string {
	if t.counts.Skipped > 0 {
		return fmt.Sprintf("%s skipped, the first %s", NumberOfFeatures(t.counts.Skipped), t.first[Skip])
	}
	filters := s.Filters()
	switch {
	case filters != "":
		return fmt.Sprintf("%s matched none of %s", filters, NumberOfFeatures(s.Offered))
	case s.Offered > 0:
		return fmt.Sprintf("none of %s was started", NumberOfFeatures(s.Offered))
	default:
		return "there was no feature to run"
	}
}

// Filters names what the run was narrowed to, in words; empty for a run of everything.
func (s Selection) Filters() string {
	var out []string
	if len(s.Suites) > 0 {
		out = append(out, fmt.Sprintf("suite filter %q", strings.Join(s.Suites, ",")))
	}
	if s.Feature != "" {
		out = append(out, fmt.Sprintf("feature filter %q", s.Feature))
	}
	if len(s.Labels) > 0 {
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(s.Labels)) {
			pairs = append(pairs, k+"="+s.Labels[k])
		}
		out = append(out, fmt.Sprintf("labels %q", strings.Join(pairs, ",")))
	}
	return strings.Join(out, " and ")
}

// tail is the counts, and for a partial run that must be full, the consequence.
func (t *tally) tail(v Verdict) string {
	c := t.counts
	if c.Features == 0 {
		return ""
	}
	text := fmt.Sprintf(" (%s: %s)", NumberOfFeatures(c.Features), c.Words())
	if v.Outcome == OutcomePartial && v.Exit != ExitPass {
		text += "; a full run was required"
	}
	return text
}

// NumberOfFeatures is a count in words: "1 feature", "12 features".
func NumberOfFeatures(n int) string {
	if n == 1 {
		return "1 feature"
	}
	return strconv.Itoa(n) + " features"
}

// String is the mismatch as one line of a failure text.
func (m Mismatch) String() string {
	return fmt.Sprintf("%s: want %q, got %q", m.Field, m.Want, m.Got)
}

// Package wording has the sentences about a run that several renderers show, so that they
// say the same in each of them.
package wording

import (
	"fmt"
	"strings"

	"meshgate/framework/printable"
	"meshgate/framework/report"
)

// PassNote says what is worth knowing about a feature that passed: how often it
// had to be asked, because retries are never hidden, and how long the mesh took.
func PassNote(f report.Feature) string {
	var slowest report.Seconds
	most := 0
	for _, s := range f.Steps {
		most = max(most, s.Attempts)
		if s.ConvergedAfter != nil {
			slowest = max(slowest, *s.ConvergedAfter)
		}
	}
	var notes []string
	if slowest > 0 {
		notes = append(notes, "converged after "+slowest.String())
	}
	if most > 1 {
		notes = append(notes, fmt.Sprintf("%d attempts", most))
	}
	return strings.Join(notes, ", ")
}

// Notes are the facts that change how the verdict is to be read.
func Notes(run report.Run) []string {
	var out []string
	if wrong := firstWrong(run); wrong != "" {
		out = append(out, wrong)
	}
	if subs := run.Facts.Bundle.Substitutions(); len(subs) > 0 {
		out = append(out, fmt.Sprintf("substituted in the bundle: %d; the first: %s contains %s", len(subs), subs[0].Name, subs[0].Contains))
	}
	if run.Soak != nil {
		out = append(out, soakSentence(*run.Soak))
	}
	return append(out, run.Notes...)
}

// firstWrong is where the first failure went wrong.
func firstWrong(run report.Run) string {
	for _, s := range run.Suites {
		for _, f := range s.Features {
			if w := FirstWrongHop(f); w != "" {
				return w
			}
		}
	}
	return ""
}

// FirstWrongHop is the sentence on the first wrong hop of a feature's failure; empty where
// that hop is not known.
func FirstWrongHop(f report.Feature) string {
	for _, s := range f.Steps {
		if s.Failure != nil && s.Failure.Way != nil && s.Failure.Way.Sentence != "" {
			return "first wrong hop: " + s.Failure.Way.Sentence
		}
	}
	return ""
}

// soakSentence says in one line what repeated runs showed.
func soakSentence(s report.Soak) string {
	var failed int
	var slowest report.StepRuns
	for _, step := range s.Steps {
		if step.Failures > 0 {
			failed++
		}
		if step.Converged != nil && (slowest.Converged == nil || step.Converged.Most > slowest.Converged.Most) {
			slowest = step
		}
	}
	out := fmt.Sprintf("asked %d times", s.Runs)
	if s.Disturbance != "" {
		out += ", disturbed by " + s.Disturbance
	}
	out += fmt.Sprintf(": %d of %d steps failed at least once", failed, len(s.Steps))
	if slowest.Converged != nil {
		out += fmt.Sprintf("; the slowest to converge took %s: %s/%s: %s", slowest.Converged.Most, slowest.Suite, slowest.Feature, slowest.Step)
	}
	return out
}

// OneLine returns the run with every text on one line and printable.
func OneLine(run report.Run) report.Run { return run.Redacted(onOneLine{}) }

// onOneLine is a redactor that leaves nothing in a text which is not printable.
type onOneLine struct{}

func (onOneLine) String(s string) string  { return printable.Line(s) }
func (onOneLine) JSON(data []byte) []byte { return data }

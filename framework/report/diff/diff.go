// Package diff says what changed from one run to another: the verdict, features, steps,
// what failed steps saw, what the runs stood on, and how long the mesh took. It is pure:
// two reports in, one document or one page of text out.
package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"meshgate/framework/printable"
	"meshgate/framework/report"
)

// Schema names the version of the JSON document; see report.Schema for what that means.
const Schema = "meshgate.report-diff/v1"

// Diff is what changed from run A to run B. Lists are in the order of the reports.
type Diff struct {
	SchemaVersion string `json:"schema"`
	A             Side   `json:"a"`
	B             Side   `json:"b"`
	// Worse lists why B is worse; empty says that its outcome is the same or better.
	Worse    []string  `json:"worse"`
	Features []Feature `json:"features"`
	// Came and Went are features, and steps of features, that only one of the runs has.
	Came     []Place   `json:"came"`
	Went     []Place   `json:"went"`
	Failures []Failure `json:"failures"`
	// Broken are phases and suites whose error changed.
	Broken []Change `json:"broken"`
	Facts  []Change `json:"facts"`
	Times  Times    `json:"times"`
	// Notes say how far the two can be compared at all.
	Notes []string `json:"notes"`
}

// Side is one of the two runs.
type Side struct {
	ID      string         `json:"id"`
	Started time.Time      `json:"started"`
	Command string         `json:"command"`
	Outcome report.Outcome `json:"outcome"`
	// Sentence is the verdict in words.
	Sentence string `json:"sentence"`
}

// Change is a fact that was one thing and is another; empty where there is none.
type Change struct {
	What string `json:"what"`
	Was  string `json:"was"`
	Is   string `json:"is"`
}

// Compare says what changed from a to b.
func Compare(a, b report.Run) Diff {
	d := Diff{SchemaVersion: Schema, A: sideOf(a), B: sideOf(b), Worse: []string{}}
	d.features(a, b)
	d.Broken = changes(broken(a), broken(b))
	d.Facts = changes(facts(a), facts(b))
	d.Times = timesOf(a, b)
	d.Notes = notes(a, b)
	if good(d.A.Outcome) && !good(d.B.Outcome) {
		d.Worse = append(d.Worse, fmt.Sprintf("the verdict was %s and is %s", d.A.Outcome, d.B.Outcome))
	}
	return d
}

func sideOf(run report.Run) Side {
	v := report.Judge(run, run.RequireFull)
	return Side{run.ID, run.Started, run.Reproduce(), v.Outcome, v.Sentence}
}

// good tells whether all that was asked was answered as promised.
func good(o report.Outcome) bool {
	return o == report.OutcomePass || o == report.OutcomePartial
}

// Nothing tells whether nothing changed but times, which always do from run to run.
func (d Diff) Nothing() bool {
	return d.A.Outcome == d.B.Outcome && len(d.Features)+len(d.Came)+len(d.Went)+len(d.Failures)+len(d.Broken)+len(d.Facts) == 0
}

// notes say what stands in the way of a comparison.
func notes(a, b report.Run) []string {
	out := []string{}
	add := func(holds bool, format string, args ...any) {
		if holds {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	add(a.ID == b.ID && a.Started.Equal(b.Started), "A and B are the same run")
	add(kindOf(a) != kindOf(b), "A is a %s and B is a %s: what they report of a feature is not the same", kindOf(a), kindOf(b))
	add(!reflect.DeepEqual(narrowed(a), narrowed(b)), "the runs were narrowed differently: A to %s, B to %s", filters(a), filters(b))
	for i, run := range []report.Run{a, b} {
		add(run.Ended.IsZero(), "%c has not reported its end", 'A'+i)
	}
	return out
}

// kindOf is what a run was for.
func kindOf(run report.Run) string {
	switch {
	case len(run.Kills) > 0:
		return "kill matrix"
	case run.Soak != nil:
		return "soak"
	default:
		return "plain run"
	}
}

// Encode gives the document as JSON that does nothing to a terminal.
func Encode(d Diff) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("difference of %s and %s: %w", d.A.ID, d.B.ID, err)
	}
	return printable.JSON(b.Bytes()), nil
}

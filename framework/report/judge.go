package report

import (
	"slices"
	"strconv"
	"strings"
)

// Outcome is the verdict in one word.
type Outcome string

// The outcomes. Judge's documentation has the order in which they win.
const (
	OutcomePass           Outcome = "pass"
	OutcomePartial        Outcome = "partial"
	OutcomeFail           Outcome = "fail"
	OutcomeInfrastructure Outcome = "infrastructure"
	OutcomeInconclusive   Outcome = "inconclusive"
	OutcomeInterrupted    Outcome = "interrupted"
)

// Exit codes of the command. ExitUsage belongs to no outcome: it is for a
// command line or configuration that cannot be understood.
const (
	ExitPass           = 0
	ExitFail           = 1
	ExitInfrastructure = 2
	ExitInconclusive   = 3
	ExitUsage          = 64
	ExitInterrupted    = 130
)

// Verdict is what a release manager acts on.
type Verdict struct {
	Outcome Outcome `json:"outcome"`
	Exit    int     `json:"exit"`
	// Sentence says the outcome, the first cause and the counts, for people.
	Sentence string `json:"sentence"`
	Counts   Counts `json:"counts"`
}

// Counts are of features, by the status that was judged.
type Counts struct {
	Features     int `json:"features"`
	Passed       int `json:"passed"`
	Failed       int `json:"failed"`
	Errors       int `json:"errors"`
	Inconclusive int `json:"inconclusive"`
	Skipped      int `json:"skipped"`
}

// Ran counts the features that were asked and answered, one way or the other.
func (c Counts) Ran() int { return c.Passed + c.Failed + c.Inconclusive }

// Add counts one more feature that was judged so.
func (c *Counts) Add(s Status) {
	c.Features++
	switch s {
	case Pass:
		c.Passed++
	case Fail:
		c.Failed++
	case Error:
		c.Errors++
	case Inconclusive:
		c.Inconclusive++
	case Skip:
		c.Skipped++
	}
}

// Words are the counts that are not 0, such as "11 passed, 1 skipped".
func (c Counts) Words() string {
	var out []string
	for _, part := range []struct {
		n    int
		word string
	}{{c.Passed, "passed"}, {c.Failed, "failed"}, {c.Errors, "in error"},
		{c.Inconclusive, "inconclusive"}, {c.Skipped, "skipped"}} {
		if part.n > 0 {
			out = append(out, strconv.Itoa(part.n)+" "+part.word)
		}
	}
	return strings.Join(out, ", ")
}

// Judge gives the verdict on a run. The first of these that holds wins:
//
//  1. interrupted (130): a signal ended the run; what is missing is unknown.
//  2. fail (1): a feature failed. The mesh broke a promise, and that stays true
//     whatever else went wrong, so it comes before infrastructure.
//  3. infrastructure (2): a phase, a suite or a feature ended in an error. This
//     is also the verdict when nothing could be judged because of it.
//  4. inconclusive (3): a feature proved nothing, or no feature ran at all
//     (nothing matched, or all were skipped).
//  5. partial (0, or 3 if a full run is required): some features were skipped.
//  6. pass (0).
//
// A feature is judged by its steps too; see Feature.Judged.
func Judge(run Run, requireFull bool) Verdict {
	t := tallyOf(run)
	v := Verdict{Counts: t.counts}
	v.Outcome = t.outcome(run)
	v.Exit = exitOf(v.Outcome, requireFull)
	v.Sentence = t.sentence(run, v)
	return v
}

func exitOf(o Outcome, requireFull bool) int {
	switch o {
	case OutcomePass:
		return ExitPass
	case OutcomePartial:
		if requireFull {
			return ExitInconclusive
		}
		return ExitPass
	case OutcomeFail:
		return ExitFail
	case OutcomeInfrastructure:
		return ExitInfrastructure
	case OutcomeInterrupted:
		return ExitInterrupted
	default:
		return ExitInconclusive
	}
}

// Judged is the feature's status as far as its steps bear it out, and the
// reason when that is not a pass. A feature that calls itself passed although a
// step was not is judged by the worst step; one that passed without a single
// assertion is inconclusive; one without a known status is an error. So a
// mistake in the reporting cannot become a green verdict.
func (f Feature) Judged() (Status, string) {
	switch f.Status {
	case Pass:
		return f.borneOut()
	case Fail:
		return Fail, f.cause(Fail)
	case Skip, Error, Inconclusive:
		return f.Status, f.cause(f.Status)
	default:
		return Error, `ended with the unknown status "` + string(f.Status) + `"`
	}
}

// worstLast are the statuses of what is not good: what was seen of the mesh says more than
// what could not be seen.
func worstLast() []Status { return []Status{Inconclusive, Error, Fail} }

// Severity orders statuses: 0 for a pass or a skip, then inconclusive, error and, most
// severe, fail.
func (s Status) Severity() int { return 1 + slices.Index(worstLast(), s) }

func (f Feature) borneOut() (Status, string) {
	for _, bad := range slices.Backward(worstLast()) {
		if _, ok := f.stepIn(bad); ok {
			return bad, f.cause(bad)
		}
	}
	for _, s := range f.Steps {
		if s.Kind == Assertion && s.Status == Pass {
			return Pass, ""
		}
	}
	return Inconclusive, "passed without an assertion"
}

// stepIn finds the first step that was judged so.
func (f Feature) stepIn(status Status) (Step, bool) {
	for _, s := range f.Steps {
		if s.Judged() == status {
			return s, true
		}
	}
	return Step{}, false
}

// Judged is the step's status as the verdict counts it. A cleanup that failed is an
// error: it says nothing about the mesh, but it is in the way of the next feature. A
// status that is not known is an error too.
func (s Step) Judged() Status {
	switch s.Status {
	case Fail:
		if s.Kind == Cleanup {
			return Error
		}
		return Fail
	case Pass, Skip, Error, Inconclusive:
		return s.Status
	default:
		return Error
	}
}

// cause is the feature's stated reason, or what its first step of that status says.
func (f Feature) cause(status Status) string {
	if f.Reason != "" {
		return f.Reason
	}
	if s, ok := f.stepIn(status); ok {
		return s.Cause()
	}
	return "no reason was recorded"
}

// Cause is the reason why the step did not pass, in one line: its first mismatch, or the
// text of its failure.
func (s Step) Cause() string {
	if s.Failure == nil {
		return s.Name + " ended with status \"" + string(s.Status) + "\""
	}
	if m := s.Failure.Mismatches; len(m) > 0 {
		return m[0].String()
	}
	return s.Name + ": " + s.Failure.Message
}

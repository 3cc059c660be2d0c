// Package report is the model of what a run found, and the verdict on it. It encodes
// and decodes report.json, a versioned JSON document, and keeps the folders of runs.
// Package suite fills the model, package evidence writes the files that the model names,
// and the packages below render show a run to people and to other programs.
package report

import (
	"encoding/json"
	"time"
)

// Schema names the version of the JSON document. Fields may be added under the
// same name; a field that changes its meaning or goes away makes a new version.
const Schema = "meshgate.report/v1"

// Run is one run of meshgate: what it was asked, what it ran on, what came out.
// With `go test ./suites/...` each process holds a Run of its own suite under
// the same ID, and Merge makes one of them.
type Run struct {
	// SchemaVersion is always Schema; Write sets it.
	SchemaVersion string `json:"schema"`
	// ID names the run's folder in the report directory; see Reserve.
	ID      string    `json:"id"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// Meshgate is the program that ran, not the mesh it looked at.
	Meshgate Build `json:"meshgate"`
	// Command is the command line as given.
	Command []string `json:"command"`
	// Config is the configuration in force, secrets already redacted.
	Config map[string]any `json:"config,omitempty"`
	// RequireFull makes a run with skips exit with 3 instead of 0.
	RequireFull bool `json:"requireFull"`
	// Selection is what the run was narrowed to; it explains a run of nothing.
	Selection Selection `json:"selection"`
	Facts     Facts     `json:"facts"`
	// Phases are the works around the suites: cluster, mesh, cleanup.
	Phases []Phase `json:"phases"`
	Suites []Suite `json:"suites"`
	// Kills is the kill matrix of `meshgate sabotage`; Suites then has a claim for each cell.
	Kills []Kill `json:"kills,omitempty"`
	// Soak is there for `meshgate soak`; Suites then has the worst result of each feature.
	Soak *Soak `json:"soak,omitempty"`
	// Interrupted names the signal that ended the run early; empty when none did.
	Interrupted string `json:"interrupted,omitempty"`
	// Notes are facts about the report itself, such as parts that disagree.
	Notes   []string `json:"notes,omitempty"`
	Verdict Verdict  `json:"verdict"`
}

// Build identifies the meshgate that ran.
type Build struct {
	Version string `json:"version,omitempty"`
	Commit  string `json:"commit,omitempty"`
	// Modified is true when the checkout had changes that no commit holds.
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go,omitempty"`
}

// Selection is what a run was narrowed to by flags; empty fields select all.
type Selection struct {
	Suites  []string          `json:"suites,omitempty"`
	Feature string            `json:"feature,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	// Offered counts the features that there were to select from.
	Offered int `json:"offered"`
}

// Phase is one piece of work around the suites.
type Phase struct {
	Name    string    `json:"name"`
	Started time.Time `json:"started"`
	Took    Seconds   `json:"tookSeconds"`
	// Error is why the phase failed; any phase that failed is an infrastructure
	// error of the run.
	Error string `json:"error,omitempty"`
	// Notes are facts the phase stated, such as an adaptation to the host.
	Notes []string `json:"notes,omitempty"`
}

// Suite is one user story.
type Suite struct {
	Name    string    `json:"name"`
	Promise string    `json:"promise"`
	Started time.Time `json:"started"`
	Took    Seconds   `json:"tookSeconds"`
	// Error is why the suite as a whole could not do its work (its setup failed,
	// it left objects behind): an infrastructure error.
	Error    string    `json:"error,omitempty"`
	Features []Feature `json:"features"`
}

// Feature is one promise, and whether it was kept.
type Feature struct {
	Name string `json:"name"`
	// Spec is where the promise is described, a link relative to the repository:
	// "docs/spec/basic-gateway.md#httpsredirect".
	Spec string `json:"spec,omitempty"`
	// Needs are the capabilities without which the feature is skipped, those of its
	// suite included. What needs none is asked of every mesh: its core conformance.
	Needs   []string  `json:"needs,omitempty"`
	Status  Status    `json:"status"`
	Started time.Time `json:"started"`
	Took    Seconds   `json:"tookSeconds"`
	// Reason is why the feature was skipped, in error, or inconclusive.
	Reason string `json:"reason,omitempty"`
	Steps  []Step `json:"steps"`
}

// Status says how a feature or a step ended.
type Status string

// What a feature or a step can end in.
const (
	// Pass: everything asserted was seen.
	Pass Status = "pass"
	// Fail: the mesh was asked and did not keep the promise.
	Fail Status = "fail"
	// Skip: not asked, for a stated reason such as an absent capability.
	Skip Status = "skip"
	// Error: could not be asked, because something around the mesh broke.
	Error Status = "error"
	// Inconclusive: asked, but the answer proves nothing, such as a refusal
	// whose positive control never succeeded.
	Inconclusive Status = "inconclusive"
)

// Kind says what a step is there for.
type Kind string

// The kinds of steps. The values are those of the schema meshgate.report/v1, which keeps
// them.
const (
	// Action brings the mesh into the state that the feature asserts about.
	Action Kind = "given"
	// Control is a positive control: it shows that what will be refused later
	// does work when it is allowed.
	Control Kind = "control"
	// Assertion is what a feature promises.
	Assertion Kind = "then"
	// Cleanup takes away what the feature made.
	Cleanup Kind = "cleanup"
)

// Step is one action or assertion.
type Step struct {
	Name    string    `json:"name"`
	Kind    Kind      `json:"kind"`
	Status  Status    `json:"status"`
	Started time.Time `json:"started"`
	Took    Seconds   `json:"tookSeconds"`
	// Attempts counts the tries that were needed; 1 means at once.
	Attempts int `json:"attempts,omitempty"`
	// ConvergedAfter is the time from config applied to effect observed; nil
	// when the step observes no change.
	ConvergedAfter *Seconds `json:"convergedAfterSeconds,omitempty"`
	// Failure is what was seen instead; nil for a step that passed.
	Failure *Failure `json:"failure,omitempty"`
	// Evidence names files, relative to the run's folder, with slashes.
	Evidence []string `json:"evidence,omitempty"`
}

// Failure is what a step saw instead of what it wanted.
type Failure struct {
	// Message is the whole failure text.
	Message string `json:"message"`
	// Mismatches are its parts by field, where the expectation gives them.
	Mismatches []Mismatch `json:"mismatches,omitempty"`
	// Observation is what the probe saw, as the probe's own JSON.
	Observation json.RawMessage `json:"observation,omitempty"`
	// Way is what each hop wrote of the request; nil where none of it is known.
	Way *Way `json:"way,omitempty"`
}

// Way is a request from hop to hop.
type Way struct {
	// FirstWrong names the first hop that is wrong: a proxy, "client", or "server" for what
	// stands behind the last proxy. It is empty where the records do not tell.
	FirstWrong string `json:"firstWrong,omitempty"`
	// Sentence says what that hop did, and what was wanted.
	Sentence string `json:"sentence,omitempty"`
	// Hops are the proxies that wrote a line of the request, in its order.
	Hops []Hop `json:"hops,omitempty"`
	// Chosen is what the first wrong hop, if it is a proxy, has configured of the route and
	// the cluster that its line names.
	Chosen json.RawMessage `json:"chosen,omitempty"`
	// Unread says what could not be read, and why.
	Unread []string `json:"unread,omitempty"`
}

// Hop is a proxy's record of a request.
type Hop struct {
	Name string `json:"name"`
	// Pod is namespace/name.
	Pod string `json:"pod"`
	// Did is what it did with the request, in short.
	Did string `json:"did"`
	// Line is the line of its access log.
	Line string `json:"line"`
	// Wrong marks the first wrong hop.
	Wrong bool `json:"wrong,omitempty"`
}

// Mismatch is one field that differs.
type Mismatch struct {
	Field string `json:"field"`
	Want  string `json:"want"`
	Got   string `json:"got"`
}

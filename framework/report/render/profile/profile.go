// Package profile gives a run as a conformance profile: what an implementation publishes
// about itself.
package profile

import (
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/yaml"

	"meshgate/framework/report"
	"meshgate/framework/report/render/wording"
)

// version names the version of the conformance profile.
const version = "meshgate.conformance/v1"

// document follows the conformance reports of the Gateway API: an implementation, and
// for each profile what is core and what is extended.
type document struct {
	APIVersion     string         `json:"apiVersion"`
	Kind           string         `json:"kind"`
	Date           string         `json:"date"`
	Implementation implementation `json:"implementation"`
	Mode           string         `json:"mode"`
	Kubernetes     string         `json:"kubernetesVersion,omitempty"`
	Meshgate       string         `json:"meshgateVersion"`
	Run            string         `json:"run"`
	Outcome        report.Outcome `json:"outcome"`
	Features       featureCount   `json:"features"`
	Reproduce      string         `json:"reproduce"`
	Supported      []string       `json:"supportedCapabilities"`
	Unsupported    []missing      `json:"unsupportedCapabilities"`
	Substitutions  []string       `json:"substitutions,omitempty"`
	Profiles       []suiteProfile `json:"profiles"`
	Notes          []string       `json:"notes,omitempty"`
}

type implementation struct {
	Project  string `json:"project"`
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
}

// featureCount tells a run of some features from a run of all.
type featureCount struct {
	Offered  int `json:"offered"`
	Reported int `json:"reported"`
}

type missing struct {
	Name   string `json:"name"`
	Reason string `json:"reason,omitempty"`
}

type suiteProfile struct {
	Name     string       `json:"name"`
	Error    string       `json:"error,omitempty"`
	Core     *conformance `json:"core,omitempty"`
	Extended *conformance `json:"extended,omitempty"`
}

// conformance is core (features that need nothing) or extended (the others).
type conformance struct {
	Result     string     `json:"result"`
	Statistics statistics `json:"statistics"`
	Failed     []string   `json:"failedTests,omitempty"`
	Skipped    []string   `json:"skippedTests,omitempty"`
	Unproven   []string   `json:"unprovenTests,omitempty"`
	Supported  []string   `json:"supportedCapabilities,omitempty"`
	Lacking    []string   `json:"unsupportedCapabilities,omitempty"`
}

type statistics struct {
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	// Unproven counts what ended in an error or proved nothing: no word on the mesh.
	Unproven int `json:"unproven"`
}

// Render gives the run as a conformance profile in YAML. It says nothing that the
// report does not; it is what an implementation publishes about itself.
func Render(run report.Run) ([]byte, error) {
	run = wording.OneLine(run)
	doc := document{
		APIVersion: version, Kind: "ConformanceReport", Date: dateOf(run),
		Implementation: implementation{run.Facts.Mesh.Flavour, run.Facts.Mesh.Version, run.Facts.Mesh.Revision},
		Mode:           modeOf(run.Facts), Kubernetes: run.Facts.Cluster.Kubernetes, Meshgate: buildName(run.Meshgate),
		Run: run.ID, Outcome: run.Verdict.Outcome, Reproduce: run.Reproduce(), Profiles: []suiteProfile{},
		Features: featureCount{run.Selection.Offered, run.Verdict.Counts.Features},
	}
	doc.Supported, doc.Unsupported = capabilities(run.Facts)
	for _, e := range run.Facts.Bundle.Substitutions() {
		doc.Substitutions = append(doc.Substitutions, e.Name+" contains "+e.Contains)
	}
	if len(run.Kills) > 0 {
		doc.Notes = []string{"the mesh was made wrong on purpose: this run says what the suites see, and nothing about conformance"}
	} else {
		for _, s := range run.Suites {
			doc.Profiles = append(doc.Profiles, profileOf(s, doc.Supported))
		}
	}
	data, err := yaml.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("report %s: cannot be encoded as a conformance profile: %w", run.ID, err)
	}
	return data, nil
}

// dateOf is when the run ended; it has not, as long as it has no end.
func dateOf(run report.Run) string {
	at := run.Ended
	if at.IsZero() {
		at = run.Started
	}
	return at.UTC().Format(time.RFC3339)
}

// modeOf is how the mesh takes traffic, where that is known.
func modeOf(f report.Facts) string {
	if slices.ContainsFunc(f.Capabilities, func(c report.Capability) bool { return c.Name == "SidecarInjection" && c.Present }) {
		return "sidecar"
	}
	return "default"
}

// buildName is what tells one build from another.
func buildName(b report.Build) string {
	name := b.Version
	if b.Commit != "" {
		name += " (" + b.Commit + ")"
	}
	if b.Modified {
		name += " modified"
	}
	return name
}

func capabilities(f report.Facts) (present []string, absent []missing) {
	present, absent = []string{}, []missing{}
	for _, c := range f.Capabilities {
		if c.Present {
			present = append(present, c.Name)
			continue
		}
		absent = append(absent, missing{c.Name, c.Reason})
	}
	return present, absent
}

func profileOf(s report.Suite, supported []string) suiteProfile {
	p := suiteProfile{Name: s.Name, Error: s.Error}
	for _, f := range s.Features {
		level := &p.Core
		if len(f.Needs) > 0 {
			level = &p.Extended
		}
		if *level == nil {
			*level = &conformance{}
		}
		(*level).add(f, supported)
	}
	for _, level := range []*conformance{p.Core, p.Extended} {
		if level != nil {
			level.Result = level.Statistics.result()
		}
	}
	return p
}

func (l *conformance) add(f report.Feature, supported []string) {
	for _, need := range f.Needs {
		list := &l.Lacking
		if slices.Contains(supported, need) {
			list = &l.Supported
		}
		if !slices.Contains(*list, need) {
			*list = append(*list, need)
		}
	}
	switch status, _ := f.Judged(); status {
	case report.Pass:
		l.Statistics.Passed++
	case report.Fail:
		l.Statistics.Failed++
		l.Failed = append(l.Failed, f.Name)
	case report.Skip:
		l.Statistics.Skipped++
		l.Skipped = append(l.Skipped, f.Name)
	default:
		l.Statistics.Unproven++
		l.Unproven = append(l.Unproven, f.Name)
	}
}

// result uses the Gateway API's words, and one for what it has none for.
func (s statistics) result() string {
	switch {
	case s.Failed > 0:
		return "failure"
	case s.Unproven > 0:
		return "unproven"
	case s.Skipped > 0:
		return "partial"
	default:
		return "success"
	}
}

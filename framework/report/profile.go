package report

import (
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/yaml"
)

// profileVersion names the version of the conformance profile.
const profileVersion = "meshgate.conformance/v1"

// profileDoc follows the conformance reports of the Gateway API: an implementation, and
// for each profile what is core and what is extended.
type profileDoc struct {
	APIVersion     string         `json:"apiVersion"`
	Kind           string         `json:"kind"`
	Date           string         `json:"date"`
	Implementation profileMesh    `json:"implementation"`
	Mode           string         `json:"mode"`
	Kubernetes     string         `json:"kubernetesVersion,omitempty"`
	Meshgate       string         `json:"meshgateVersion"`
	Run            string         `json:"run"`
	Outcome        Outcome        `json:"outcome"`
	Features       profileCount   `json:"features"`
	Reproduce      string         `json:"reproduce"`
	Supported      []string       `json:"supportedCapabilities"`
	Unsupported    []profileLack  `json:"unsupportedCapabilities"`
	Substitutions  []string       `json:"substitutions,omitempty"`
	Profiles       []profileSuite `json:"profiles"`
	Notes          []string       `json:"notes,omitempty"`
}

type profileMesh struct {
	Project  string `json:"project"`
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
}

// profileCount tells a run of some features from a run of all.
type profileCount struct {
	Offered  int `json:"offered"`
	Reported int `json:"reported"`
}

type profileLack struct {
	Name   string `json:"name"`
	Reason string `json:"reason,omitempty"`
}

type profileSuite struct {
	Name     string        `json:"name"`
	Error    string        `json:"error,omitempty"`
	Core     *profileLevel `json:"core,omitempty"`
	Extended *profileLevel `json:"extended,omitempty"`
}

// profileLevel is core (features that need nothing) or extended (the others).
type profileLevel struct {
	Result     string            `json:"result"`
	Statistics profileStatistics `json:"statistics"`
	Failed     []string          `json:"failedTests,omitempty"`
	Skipped    []string          `json:"skippedTests,omitempty"`
	Unproven   []string          `json:"unprovenTests,omitempty"`
	Supported  []string          `json:"supportedCapabilities,omitempty"`
	Lacking    []string          `json:"unsupportedCapabilities,omitempty"`
}

type profileStatistics struct {
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	// Unproven counts what ended in an error or proved nothing: no word on the mesh.
	Unproven int `json:"unproven"`
}

// Profile gives the run as a conformance profile in YAML. It says nothing that the
// report does not; it is what an implementation publishes about itself.
func Profile(run Run) ([]byte, error) {
	run = run.Redacted(onOneLine{})
	doc := profileDoc{
		APIVersion: profileVersion, Kind: "ConformanceReport", Date: profileDate(run),
		Implementation: profileMesh{run.Facts.Mesh.Flavour, run.Facts.Mesh.Version, run.Facts.Mesh.Revision},
		Mode:           profileMode(run.Facts), Kubernetes: run.Facts.Cluster.Kubernetes, Meshgate: run.Meshgate.name(),
		Run: run.ID, Outcome: run.Verdict.Outcome, Reproduce: run.Reproduce(), Profiles: []profileSuite{},
		Features: profileCount{run.Selection.Offered, run.Verdict.Counts.Features},
	}
	doc.Supported, doc.Unsupported = capabilities(run.Facts)
	for _, e := range run.Facts.Bundle.Substitutions() {
		doc.Substitutions = append(doc.Substitutions, e.Name+" contains "+e.Contains)
	}
	if len(run.Kills) > 0 {
		doc.Notes = []string{"the mesh was made wrong on purpose: this run says what the suites see, and nothing about conformance"}
	} else {
		for _, s := range run.Suites {
			doc.Profiles = append(doc.Profiles, s.profile(doc.Supported))
		}
	}
	data, err := yaml.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("report %s: cannot be encoded as a conformance profile: %w", run.ID, err)
	}
	return data, nil
}

// profileDate is when the run ended; it has not, as long as it has no end.
func profileDate(run Run) string {
	at := run.Ended
	if at.IsZero() {
		at = run.Started
	}
	return at.UTC().Format(time.RFC3339)
}

// profileMode is how the mesh takes traffic, where that is known.
func profileMode(f Facts) string {
	if slices.ContainsFunc(f.Capabilities, func(c Capability) bool { return c.Name == "SidecarInjection" && c.Present }) {
		return "sidecar"
	}
	return "default"
}

// name is what tells one build from another.
func (b Build) name() string {
	name := b.Version
	if b.Commit != "" {
		name += " (" + b.Commit + ")"
	}
	if b.Modified {
		name += " modified"
	}
	return name
}

func capabilities(f Facts) (present []string, absent []profileLack) {
	present, absent = []string{}, []profileLack{}
	for _, c := range f.Capabilities {
		if c.Present {
			present = append(present, c.Name)
			continue
		}
		absent = append(absent, profileLack{c.Name, c.Reason})
	}
	return present, absent
}

func (s Suite) profile(supported []string) profileSuite {
	p := profileSuite{Name: s.Name, Error: s.Error}
	for _, f := range s.Features {
		level := &p.Core
		if len(f.Needs) > 0 {
			level = &p.Extended
		}
		if *level == nil {
			*level = &profileLevel{}
		}
		(*level).add(f, supported)
	}
	for _, level := range []*profileLevel{p.Core, p.Extended} {
		if level != nil {
			level.Result = level.Statistics.result()
		}
	}
	return p
}

func (l *profileLevel) add(f Feature, supported []string) {
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
	case Pass:
		l.Statistics.Passed++
	case Fail:
		l.Statistics.Failed++
		l.Failed = append(l.Failed, f.Name)
	case Skip:
		l.Statistics.Skipped++
		l.Skipped = append(l.Skipped, f.Name)
	default:
		l.Statistics.Unproven++
		l.Unproven = append(l.Unproven, f.Name)
	}
}

// result uses the Gateway API's words, and one for what it has none for.
func (s profileStatistics) result() string {
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

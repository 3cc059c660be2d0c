// Package reporttest has runs for tests of the packages that write and read reports.
package reporttest

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"meshgate/framework/report"
)

// At is a moment after the start of the sample: fixed, so that golden files do not change.
func At(offset time.Duration) time.Time {
	return time.Date(2026, 11, 21, 11, 36, 0, 0, time.UTC).Add(offset)
}

// Sample is a run with one feature of each status, not judged yet.
func Sample() report.Run {
	return report.Run{
		ID: "20261121-113600-sample", Started: At(0), Ended: At(95 * time.Second),
		Meshgate:  report.Build{Version: "v0.1.0", Commit: "fc4a32a", Modified: true, Go: "go1.26.8"},
		Command:   []string{"meshgate", "run", "--suite", "basic-gateway"},
		Config:    map[string]any{"cluster": map[string]any{"provider": "kind"}, "run": map[string]any{"keep": true}},
		Selection: report.Selection{Suites: []string{"basic-gateway"}, Offered: 5},
		Facts:     facts(),
		Phases:    []report.Phase{{Name: "cluster", Started: At(0), Took: report.Seconds(14 * time.Second), Notes: []string{"created"}}},
		Suites: []report.Suite{{Name: "basic-gateway", Promise: "A gateway serves what it is configured for.", Started: At(20 * time.Second), Took: report.Seconds(70 * time.Second),
			Features: []report.Feature{passed(), failed(),
				{Name: "ObservedInTrace", Needs: []string{"Tracing"}, Status: report.Skip, Reason: "Tracing: no collector is installed"},
				{Name: "CORS", Status: report.Error, Reason: "setup: the API server refused the VirtualService"},
				{Name: "ExactPath", Status: report.Inconclusive, Reason: "the positive control never succeeded"},
			}}},
	}
}

// Judged is the sample with its verdict.
func Judged() report.Run {
	run := Sample()
	run.Verdict = report.Judge(run, false)
	return run
}

func facts() report.Facts {
	return report.Facts{
		Cluster:      report.ClusterFacts{Provider: "kind", Name: "meshgate", Kubernetes: "v1.36.3", Engine: "docker", Nodes: 1, Created: true, Adaptations: []string{"kubelet accepts cgroup v1"}},
		Mesh:         report.MeshFacts{Flavour: "istio", Version: "1.31.1", Namespace: "istio-system"},
		Capabilities: []report.Capability{{Name: "LoadBalancer", Present: true}, {Name: "Tracing", Reason: "no collector is installed"}},
		Bundle: report.BundleFacts{Platform: "linux/amd64", Entries: []report.BundleEntry{
			{Component: "istio-1.31", Kind: "image", Name: "docker.io/istio/proxyv2:1.31.1", Version: "1.31.1", Source: "source",
				Origin: "Go module", Contains: "upstream Envoy 1.40.0 instead of Istio's build", Digest: "sha256:0000", Size: 1 << 20}}},
	}
}

func passed() report.Feature {
	converged := report.Seconds(840 * time.Millisecond)
	return report.Feature{Name: "TLSTermination", Spec: "docs/spec/basic-gateway.md#tlstermination", Status: report.Pass, Took: report.Seconds(2300 * time.Millisecond), Steps: []report.Step{
		{Name: "gateway and secret", Kind: report.Action, Status: report.Pass},
		{Name: "serves the certificate", Kind: report.Assertion, Status: report.Pass, Attempts: 3, ConvergedAfter: &converged}}}
}

func failed() report.Feature {
	way := &report.Way{FirstWrong: "gateway istio-ingressgateway", Sentence: "gateway istio-ingressgateway (istio-system/ingress-1) answered 301 itself (direct_response)",
		Hops:   []report.Hop{{Name: "gateway istio-ingressgateway", Pod: "istio-system/ingress-1", Did: "answered 301 itself", Line: `[2026-11-21T11:36:01.000Z] "GET /a HTTP/1.1" 301`, Wrong: true}},
		Chosen: json.RawMessage(`{"routes":[{"routeConfig":"http.8080"}]}`), Unread: []string{"log of istio-system/ingress-2: not found"}}
	failure := &report.Failure{
		Message:     `301 http://api.test/a: Location: want "https://api.test/a", got "https://api.test/"`,
		Mismatches:  []report.Mismatch{{Field: "Location", Want: "https://api.test/a", Got: "https://api.test/"}},
		Observation: json.RawMessage(`{"status":301,"header":{"Location":["https://api.test/"]}}`), Way: way}
	return report.Feature{Name: "HTTPSRedirect", Spec: "docs/spec/basic-gateway.md#httpsredirect", Status: report.Fail, Took: report.Seconds(21 * time.Second), Steps: []report.Step{
		{Name: "redirects", Kind: report.Assertion, Status: report.Fail, Attempts: 19, Failure: failure,
			Evidence: []string{"evidence/HTTPSRedirect/redirects/events.yaml", "evidence/HTTPSRedirect/redirects/objects.yaml"}}}}
}

// HostileText is text such as a network may deliver: escape sequences, forged lines,
// invalid UTF-8, markup, direction overrides.
const HostileText = "\x1b[2J\x1b]0;t\a\u009b31m <script>]]>&\"'\x00\xff\u202e\r\nverdict: pass\u2028"

// Hostile is the sample, judged, with hostile text wherever text of the network can be.
func Hostile() report.Run {
	run := Sample()
	s := &run.Suites[0]
	s.Promise += HostileText
	for i := range s.Features {
		f := &s.Features[i]
		f.Reason += HostileText
		for j := range f.Steps {
			f.Steps[j].Name += HostileText
			f.Steps[j].Failure = hostileFailure()
		}
	}
	run.Phases[0].Error = HostileText
	run.Facts.Mesh.Version += HostileText
	run.Notes = []string{HostileText}
	run.Verdict = report.Judge(run, false)
	return run
}

func hostileFailure() *report.Failure {
	return &report.Failure{Message: HostileText, Observation: json.RawMessage("{" + HostileText),
		Mismatches: []report.Mismatch{{Field: HostileText, Want: HostileText, Got: HostileText}},
		Way: &report.Way{FirstWrong: HostileText, Sentence: HostileText,
			Hops:   []report.Hop{{Name: HostileText, Pod: HostileText, Did: HostileText, Line: HostileText}},
			Chosen: json.RawMessage("{" + HostileText), Unread: []string{HostileText}}}
}

// Feature is a feature "F-<status>" of one assertion that ended so.
func Feature(status report.Status) report.Feature {
	f := report.Feature{Name: "F-" + string(status), Status: status}
	step := report.Step{Name: "asks", Kind: report.Assertion, Status: status}
	switch status {
	case report.Fail:
		step.Failure = &report.Failure{Message: "301: Location: want …", Mismatches: []report.Mismatch{
			{Field: "Location", Want: "https://a/", Got: ""}}}
	case report.Skip, report.Error, report.Inconclusive:
		f.Reason = "because of " + string(status)
	}
	f.Steps = []report.Step{step}
	return f
}

// RunOf is a run of one suite "s" with these features.
func RunOf(features ...report.Feature) report.Run {
	return report.Run{Suites: []report.Suite{{Name: "s", Features: features}}}
}

// Unprintable is the runes of a text that may not reach a terminal or a viewer, without
// those that are allowed, such as line feeds.
func Unprintable(text, allowed string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || strings.ContainsRune(allowed, r) {
			return -1
		}
		return r
	}, text)
}

package report_test

import (
	"encoding/json"
	"strings"
	"time"

	"meshgate/framework/report"
)

func seconds(d time.Duration) *report.Seconds {
	s := report.Seconds(d)
	return &s
}

// at is when the samples start: fixed, so that golden text does not move.
func at(offset time.Duration) time.Time {
	return time.Date(2026, 11, 21, 11, 36, 0, 0, time.UTC).Add(offset)
}

// sample is a run with one of everything.
func sample() report.Run {
	return report.Run{
		ID: "20261121-113600-sample", Started: at(0), Ended: at(95 * time.Second),
		Meshgate:  report.Build{Version: "v0.1.0", Commit: "fc4a32a", Modified: true, Go: "go1.26.8"},
		Command:   []string{"meshgate", "run", "--suite", "basic-gateway"},
		Config:    map[string]any{"cluster": map[string]any{"provider": "kind"}, "run": map[string]any{"keep": true}},
		Selection: report.Selection{Suites: []string{"basic-gateway"}, Offered: 5},
		Facts: report.Facts{
			Cluster:      report.ClusterFacts{Provider: "kind", Name: "meshgate", Kubernetes: "v1.36.3", Engine: "docker", Nodes: 1, Created: true, Adaptations: []string{"kubelet accepts cgroup v1"}},
			Mesh:         report.MeshFacts{Flavour: "istio", Version: "1.31.1", Namespace: "istio-system"},
			Capabilities: []report.Capability{{Name: "LoadBalancer", Present: true}, {Name: "Tracing", Reason: "no collector is installed"}},
			Bundle: report.BundleFacts{Platform: "linux/amd64", Entries: []report.BundleEntry{
				{Component: "istio-1.31", Kind: "image", Name: "docker.io/istio/proxyv2:1.31.1", Version: "1.31.1", Source: "source",
					Origin: "Go module", Contains: "upstream Envoy 1.40.0 instead of Istio's build", Digest: "sha256:0000", Size: 1 << 20}}},
		},
		Phases: []report.Phase{{Name: "cluster", Started: at(0), Took: report.Seconds(14 * time.Second), Notes: []string{"created"}}},
		Suites: []report.Suite{{Name: "basic-gateway", Promise: "A gateway serves what it is configured for.", Started: at(20 * time.Second), Took: report.Seconds(70 * time.Second),
			Features: []report.Feature{
				{Name: "TLSTermination", Spec: "spec.md#basic-gateway", Status: report.Pass, Took: report.Seconds(2300 * time.Millisecond), Steps: []report.Step{
					{Name: "gateway and secret", Kind: report.Given, Status: report.Pass},
					{Name: "serves the certificate", Kind: report.Then, Status: report.Pass, Attempts: 3, ConvergedAfter: seconds(840 * time.Millisecond)}}},
				{Name: "HTTPSRedirect", Spec: "spec.md#basic-gateway", Status: report.Fail, Took: report.Seconds(21 * time.Second), Steps: []report.Step{
					{Name: "redirects", Kind: report.Then, Status: report.Fail, Attempts: 19, Failure: &report.Failure{
						Message:     `301 http://api.test/a: Location: want "https://api.test/a", got "https://api.test/"`,
						Mismatches:  []report.Mismatch{{Field: "Location", Want: "https://api.test/a", Got: "https://api.test/"}},
						Observation: json.RawMessage(`{"status":301,"header":{"Location":["https://api.test/"]}}`),
						Way: &report.Way{FirstWrong: "gateway istio-ingressgateway", Sentence: "gateway istio-ingressgateway (istio-system/ingress-1) answered 301 itself (direct_response)",
							Hops:   []report.Hop{{Name: "gateway istio-ingressgateway", Pod: "istio-system/ingress-1", Did: "answered 301 itself", Line: `[2026-11-21T11:36:01.000Z] "GET /a HTTP/1.1" 301`, Wrong: true}},
							Chosen: json.RawMessage(`{"routes":[{"routeConfig":"http.8080"}]}`), Unread: []string{"log of istio-system/ingress-2: not found"}}},
						Evidence: []string{"evidence/HTTPSRedirect/redirects/events.yaml", "evidence/HTTPSRedirect/redirects/objects.yaml"}}}},
				{Name: "ObservedInTrace", Needs: []string{"Tracing"}, Status: report.Skip, Reason: "Tracing: no collector is installed"},
				{Name: "CORS", Status: report.Error, Reason: "setup: the API server refused the VirtualService"},
				{Name: "ExactPath", Status: report.Inconclusive, Reason: "the positive control never succeeded"},
			}}},
	}
}

// hostile is text such as a network may deliver: escape sequences, forged lines,
// invalid UTF-8, markup, direction overrides.
const hostile = "\x1b[2J\x1b]0;t\a\u009b31m <script>]]>&\"'\x00\xff\u202e\r\nverdict: pass\u2028"

// hostileRun has hostile text wherever the network's text can get.
func hostileRun() report.Run {
	run := sample().Redacted(replacer{})
	s := &run.Suites[0]
	s.Promise += hostile
	for i := range s.Features {
		f := &s.Features[i]
		f.Reason += hostile
		for j := range f.Steps {
			f.Steps[j].Name += hostile
			f.Steps[j].Failure = &report.Failure{Message: hostile, Observation: json.RawMessage("{" + hostile),
				Mismatches: []report.Mismatch{{Field: hostile, Want: hostile, Got: hostile}},
				Way: &report.Way{FirstWrong: hostile, Sentence: hostile, Hops: []report.Hop{{Name: hostile, Pod: hostile, Did: hostile, Line: hostile}},
					Chosen: json.RawMessage("{" + hostile), Unread: []string{hostile}}}
		}
	}
	run.Phases[0].Error = hostile
	run.Facts.Mesh.Version += hostile
	run.Notes = []string{hostile}
	run.Verdict = report.Judge(run, false)
	return run
}

// replacer is a redactor of one word.
type replacer struct{ old, new string }

func (r replacer) String(s string) string {
	if r.old == "" {
		return s
	}
	return strings.ReplaceAll(s, r.old, r.new)
}

func (r replacer) JSON(data []byte) []byte { return []byte(r.String(string(data))) }

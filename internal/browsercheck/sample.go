package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"meshgate/framework/report"
	"meshgate/framework/report/soak"
)

// hostile is what a header may hold: markup, and a break out of an attribute.
const hostile = `<script>alert(1)</script> "><img src=x onerror=alert(1)>` + "\x1b[31m\u202e"

// night is a bad one: more features and steps than there are, every kind of failure,
// long words that do not break, and repeated runs.
func night(features, steps int) report.Run {
	begin := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	run := report.Run{
		ID: "20261121-020000-sample", Started: begin, Ended: begin.Add(7 * time.Minute),
		Meshgate: report.Build{Version: "v0.1.0", Commit: "fc4a32a0d2d0b8878d012ee8f8be985d6056721b3", Modified: true, Go: "go1.26"},
		Command:  []string{"meshgate", "run", "--feature", hostile},
		Config:   map[string]any{"cluster": map[string]any{"provider": "kind", "name": hostile}},
		Facts:    facts(),
		Notes:    []string{"a fact of this run: " + strings.Repeat("0123456789", 12), hostile},
		Phases: []report.Phase{
			{Name: "bundle", Started: begin, Took: report.Seconds(4 * time.Second), Notes: []string{"node: cached"}},
			{Name: "cluster meshgate", Started: begin.Add(4 * time.Second), Took: report.Seconds(50 * time.Second)},
			{Name: "cleanup", Started: begin.Add(400 * time.Second), Took: report.Seconds(20 * time.Second), Error: "namespace bookinfo gone: not met in time"},
		},
	}
	const perSuite = 10
	for i := range features {
		if i%perSuite == 0 {
			run.Suites = append(run.Suites, report.Suite{Name: fmt.Sprintf("suite-%d", i/perSuite+1), Started: begin.Add(time.Minute),
				Promise: "What is promised is kept, and nothing else is.", Took: report.Seconds(5 * time.Minute)})
		}
		s := &run.Suites[len(run.Suites)-1]
		s.Features = append(s.Features, feature(i, steps, begin.Add(time.Minute+time.Duration(i*4)*time.Second)))
	}
	repeated := soak.Of(run.Suites, run.Suites)
	repeated.Disturbance = "istiod restarted every 30 s"
	run.Soak = &repeated
	run.Verdict = report.Judge(run, false)
	return run
}

// matrix is a run of `meshgate sabotage`, with each outcome.
func matrix(features int) report.Run {
	run := night(features, 2)
	run.Soak, run.Kills = nil, kills(run.Suites)
	run.Suites = report.Claims(run.Kills)
	run.Verdict = report.Judge(run, false)
	return run
}

func facts() report.Facts {
	digest := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	return report.Facts{
		Cluster:      report.ClusterFacts{Provider: "kind", Name: "meshgate", Kubernetes: "v1.36.3", Nodes: 1, Created: true, Adaptations: []string{"etcd runs without fsync"}},
		Mesh:         report.MeshFacts{Flavour: "istio", Version: "1.31.1", Namespace: "istio-system", Notes: []string{"the proxies are upstream Envoy"}},
		Capabilities: []report.Capability{{Name: "LoadBalancer", Present: true}, {Name: "IstioMetrics", Reason: "the proxies do not export them"}},
		Bundle: report.BundleFacts{Platform: "linux/amd64", Entries: []report.BundleEntry{
			{Component: "istio-1.31", Kind: "image", Name: "docker.io/istio/proxyv2:1.31.1", Version: "1.31.1", Source: "source", Origin: "Go module", Contains: "upstream Envoy", Digest: digest, Size: 1 << 20},
			{Component: "node", Kind: "image", Name: "docker.io/kindest/node:v1.36.3", Version: "v1.36.3", Source: "source", Digest: digest}}},
	}
}

// feature passes two times of three; otherwise it ends in each of the other ways in turn.
func feature(i, steps int, begin time.Time) report.Feature {
	others := []report.Status{report.Fail, report.Error, report.Inconclusive, report.Skip}
	f := report.Feature{Name: fmt.Sprintf("PromiseNumber%dIsKept", i+1), Spec: "docs/spec/basic-gateway.md#steady", Status: report.Pass, Started: begin, Took: report.Seconds(time.Duration(steps) * 2 * time.Second)}
	if i%3 == 0 {
		f.Status = others[i/3%len(others)]
	}
	if f.Status == report.Skip {
		f.Reason, f.Took = "capability IstioMetrics: the proxies do not export them", 0
		return f
	}
	for j := range steps {
		after := report.Seconds(time.Duration(200+37*i+j*j*20) * time.Millisecond)
		s := report.Step{Name: fmt.Sprintf("step %d sees what was configured", j+1), Kind: report.Assertion, Status: report.Pass, Attempts: 1 + j%3,
			Started: begin.Add(time.Duration(j) * 2 * time.Second), Took: report.Seconds(1900 * time.Millisecond)}
		switch j {
		case 0:
			s.Kind = report.Action
		case 1:
			s.Kind = report.Control
		case steps - 1:
			s.Kind = report.Cleanup
		default:
			s.ConvergedAfter = &after
		}
		if f.Status != report.Pass && j == steps-2 {
			s.Status, s.Failure, s.Evidence = f.Status, failure(i), evidence(f.Name)
		}
		f.Steps = append(f.Steps, s)
	}
	return f
}

func failure(i int) *report.Failure {
	header := map[string]any{"x-hostile": []string{hostile}, "x-long": strings.Repeat("abcdefghij", 40)}
	observation, err := json.Marshal(map[string]any{"status": 301 + i, "header": header})
	if err != nil {
		observation = nil
	}
	return &report.Failure{
		Message: "301 http://api.example.com/a?b=c: Location: want \"https://api.example.com/a?b=c\", got \"" + hostile + "\"\n\tlast of 19 attempts in 15.0 s",
		Mismatches: []report.Mismatch{{Field: "Location", Want: "https://api.example.com/a?b=c", Got: hostile},
			{Field: "upstream cluster", Want: "outbound|443||api.example.com", Got: strings.Repeat("outbound|80||", 20)}},
		Observation: observation,
		Way:         way(),
	}
}

// way is that of a request over a gateway and a sidecar, with all that may be known of it.
func way() *report.Way {
	line := `[2026-11-21T02:00:23.261Z] "GET /a?b=c HTTP/2" 301 - direct_response - "-" 0 0 0 - "10.0.0.1" "` + hostile + `" "9f0c" "api.example.com" "-" ` +
		strings.Repeat("outbound|443||api.example.com ", 8)
	return &report.Way{
		FirstWrong: "gateway istio-ingressgateway",
		Sentence:   "gateway istio-ingressgateway (istio-system/istio-ingressgateway-6696b77859-5dftf) answered 301 itself (direct_response), where Location: want \"https://api.example.com/a?b=c\", got \"" + hostile + "\"",
		Hops: []report.Hop{
			{Name: "gateway istio-ingressgateway", Pod: "istio-system/istio-ingressgateway-6696b77859-5dftf", Did: "answered 301 itself (direct_response)", Line: line, Wrong: true},
			{Name: "sidecar of productpage", Pod: "bookinfo/productpage-v1-564997cb64-00000", Did: "passed on the 200 of 10.0.0.6:9080 (inbound|9080||)", Line: line},
		},
		Chosen: json.RawMessage(`{"routes": [{"routeConfig": "http.8080", "virtualHost": "api.example.com:80", "routes": [{"name": "` + strings.Repeat("long", 60) + `"}]}]}`),
		Unread: []string{"pod bookinfo/productpage-v1-564997cb64-00001: its log could not be read"},
	}
}

func evidence(feature string) []string {
	base := "evidence/suite/" + feature + "/step/"
	out := []string{base + "observation.json", base + "applied.yaml"}
	for i := range 30 {
		out = append(out, fmt.Sprintf("%slogs/bookinfo/productpage-v1-564997cb64-%05d/istio-proxy.log", base, i))
	}
	return out
}

// kills has each outcome, most as declared.
func kills(suites []report.Suite) []report.Kill {
	outcomes := []report.KillOutcome{report.Survived, report.WrongReason, report.Collateral, report.NotShown, report.Killed, report.Unharmed}
	var out []report.Kill
	for _, s := range suites {
		for i, f := range s.Features {
			k := report.Kill{By: report.Sabotaged, Wrong: "withhold gateway-route.yaml", Suite: s.Name, Feature: f.Name, Step: "step 3 sees what was configured",
				Field: "status", Outcome: report.Killed, Got: "status: want \"200\", got \"404\"", Took: report.Seconds(9 * time.Second)}
			if len(out) < len(outcomes) {
				k.Outcome, k.Got = outcomes[i], "step 5: Location: want \"https://api.example.com\", got "+hostile
			}
			if k.Outcome == report.Unharmed {
				k.Wrong, k.Step, k.Field = "", "", ""
			}
			out = append(out, k)
		}
	}
	return out
}

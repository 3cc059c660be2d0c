package wording_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"meshgate/framework/report"
	"meshgate/framework/report/render/wording"
	"meshgate/framework/report/reporttest"
)

func TestNotesOfASoakNameTheStepThatConvergedSlowest(t *testing.T) {
	run := report.Run{Soak: &report.Soak{Runs: 3, Disturbance: "istiod restarts", Steps: []report.StepRuns{
		{Suite: "s", Feature: "F", Step: "see", Runs: 3, Failures: 1, Converged: &report.Spread{Most: report.Seconds(7 * time.Second)}},
		{Suite: "s", Feature: "F", Step: "hear", Runs: 3},
	}}}
	assert.Equal(t, []string{"asked 3 times, disturbed by istiod restarts: 1 of 2 steps failed at least once; the slowest to converge took 7.0 s: s/F: see"}, wording.Notes(run))
}

func TestNotesBeginWithTheFirstWrongHop(t *testing.T) {
	notes := wording.Notes(reporttest.Sample())
	assert.Equal(t, []string{
		"first wrong hop: gateway istio-ingressgateway (istio-system/ingress-1) answered 301 itself (direct_response)",
		"substituted in the bundle: 1; the first: docker.io/istio/proxyv2:1.31.1 contains upstream Envoy 1.40.0 instead of Istio's build",
	}, notes)
}

func TestAPassIsNotedWhereItTookAttemptsOrTime(t *testing.T) {
	assert.Equal(t, "converged after 840 ms, 3 attempts", wording.PassNote(reporttest.Sample().Suites[0].Features[0]))
	assert.Empty(t, wording.PassNote(reporttest.Feature(report.Pass)))
}

func TestOneLineLeavesNothingUnprintable(t *testing.T) {
	run := wording.OneLine(reporttest.Hostile())
	assert.Empty(t, reporttest.Unprintable(run.Suites[0].Promise+run.Facts.Mesh.Version+run.Notes[0], ""))
}

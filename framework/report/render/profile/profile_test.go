package profile_test

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"meshgate/framework/manifest/goldentest"
	"meshgate/framework/report"
	"meshgate/framework/report/render/profile"
	"meshgate/framework/report/reporttest"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestGolden(t *testing.T) {
	data, err := profile.Render(reporttest.Judged())
	require.NoError(t, err)
	require.NoError(t, goldentest.Compare("testdata/conformance.yaml", data, *update))
}

func read(t *testing.T, run report.Run) map[string]any {
	t.Helper()
	run.Verdict = report.Judge(run, run.RequireFull)
	data, err := profile.Render(run)
	require.NoError(t, err)
	assert.Empty(t, reporttest.Unprintable(string(data), "\n"), "unprintable runes")
	var doc map[string]any
	require.NoError(t, yaml.UnmarshalStrict(data, &doc))
	return doc
}

// levels are core and extended of the only suite.
func levels(t *testing.T, features ...report.Feature) (core, extended map[string]any) {
	t.Helper()
	run := reporttest.RunOf(features...)
	run.Facts.Capabilities = []report.Capability{{Name: "LoadBalancer", Present: true}, {Name: "Tracing", Reason: "no collector"}}
	suites := read(t, run)["profiles"].([]any)
	require.Len(t, suites, 1)
	core, _ = suites[0].(map[string]any)["core"].(map[string]any)
	extended, _ = suites[0].(map[string]any)["extended"].(map[string]any)
	return core, extended
}

func needing(f report.Feature, needs ...string) report.Feature {
	f.Needs = needs
	return f
}

func TestWhatNeedsACapabilityIsExtended(t *testing.T) {
	core, extended := levels(t, reporttest.Feature(report.Pass), needing(reporttest.Feature(report.Skip), "Tracing", "LoadBalancer"), needing(reporttest.Feature(report.Pass), "LoadBalancer"))
	assert.Equal(t, map[string]any{"result": "success", "statistics": map[string]any{"passed": 1., "failed": 0., "skipped": 0., "unproven": 0.}}, core)
	assert.Equal(t, map[string]any{"result": "partial", "statistics": map[string]any{"passed": 1., "failed": 0., "skipped": 1., "unproven": 0.},
		"skippedTests": []any{"F-skip"}, "supportedCapabilities": []any{"LoadBalancer"}, "unsupportedCapabilities": []any{"Tracing"}}, extended)

	core, extended = levels(t, needing(reporttest.Feature(report.Pass), "LoadBalancer"))
	assert.Nil(t, core, "nothing was asked of it, and so nothing is said")
	assert.Equal(t, "success", extended["result"])
}

func TestTheResultOfALevelIsItsWorst(t *testing.T) {
	for want, statuses := range map[string][]report.Status{
		"success":  {report.Pass},
		"partial":  {report.Pass, report.Skip},
		"unproven": {report.Pass, report.Skip, report.Error},
		"failure":  {report.Inconclusive, report.Error, report.Skip, report.Fail, report.Pass},
	} {
		var all []report.Feature
		for _, s := range statuses {
			all = append(all, reporttest.Feature(s))
		}
		core, _ := levels(t, all...)
		assert.Equal(t, want, core["result"])
	}
	core, _ := levels(t, reporttest.Feature(report.Inconclusive), reporttest.Feature(report.Fail))
	assert.Equal(t, []any{"F-fail"}, core["failedTests"])
	assert.Equal(t, []any{"F-inconclusive"}, core["unprovenTests"])
}

func TestTheProfileSaysWhatItIsOf(t *testing.T) {
	doc := read(t, reporttest.Sample())
	assert.Equal(t, "2026-11-21T11:37:35Z", doc["date"])
	assert.Equal(t, map[string]any{"project": "istio", "version": "1.31.1"}, doc["implementation"])
	assert.Equal(t, "meshgate run --suite basic-gateway", doc["reproduce"])
	assert.Equal(t, "v0.1.0 (fc4a32a) modified", doc["meshgateVersion"])
	assert.Equal(t, []any{map[string]any{"name": "Tracing", "reason": "no collector is installed"}}, doc["unsupportedCapabilities"])
	assert.Len(t, doc["substitutions"], 1, "what was asked is not what its name says")
	read(t, reporttest.Hostile())
	read(t, report.Run{})
}

func TestAKillMatrixIsNoConformance(t *testing.T) {
	run := reporttest.Sample()
	run.Kills = []report.Kill{{By: report.Defective, Suite: "s", Feature: "F", Outcome: report.Killed}}
	run.Suites = report.Claims(run.Kills)
	doc := read(t, run)
	assert.Empty(t, doc["profiles"])
	assert.NotEmpty(t, doc["notes"])
}

package replay

import (
	"testing"

	"meshgate/framework/report"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func earlier() report.Run {
	failed := []report.Step{
		{Name: "set up", Status: report.Pass}, {Name: "needs more", Status: report.Skip},
		{Name: "answers", Status: report.Fail, Failure: &report.Failure{Message: `status: want "200", got "503"`}},
	}
	return report.Run{ID: "run-1", Suites: []report.Suite{
		{Name: "a", Features: []report.Feature{
			{Name: "Red", Status: report.Fail, Steps: failed},
			{Name: "Both", Status: report.Fail, Steps: failed},
			{Name: "Error", Status: report.Error, Reason: "given: refused", Steps: []report.Step{{Name: "set up", Status: report.Error}}},
			{Name: "Green", Status: report.Pass, Steps: []report.Step{{Name: "answers", Kind: report.Assertion, Status: report.Pass}}},
			{Name: "Skipped", Status: report.Skip, Reason: "capability Tracing: none"},
			{Name: "Partly", Status: report.Inconclusive, Reason: "1 of 2 steps were left out", Steps: []report.Step{{Name: "set up", Status: report.Pass}}},
		}},
		{Name: "b", Features: []report.Feature{{Name: "Both", Status: report.Pass}}},
	}}
}

func TestFindPicksTheFailedStep(t *testing.T) {
	for name, want := range map[string][2]string{
		"Red": {"a/Red", "answers"}, "a/Red": {"a/Red", "answers"}, "a/Both": {"a/Both", "answers"}, "Error": {"a/Error", "set up"},
	} {
		got, err := Find(earlier(), name)
		require.NoError(t, err)
		assert.Equal(t, want, [2]string{got.String(), got.Step.Name})
		assert.Equal(t, "run-1", got.Run)
	}
}

func TestFindErrorSaysWhyThereIsNothingToReplay(t *testing.T) {
	for name, want := range map[string]string{
		"Both":    `feature "Both" is in several suites: name one of a/Both, b/Both`,
		"Blue":    `feature "Blue" is not in run run-1, which has a/Red, a/Both, a/Error, a/Green, a/Skipped, a/Partly, b/Both`,
		"c/Red":   `feature "c/Red" is not in run run-1`,
		"":        `feature "" is not in run run-1`,
		"red":     `feature "red" is not in run run-1: did you mean a/Red?`,
		"Green":   "a/Green did not fail in run run-1: it passed",
		"Skipped": "a/Skipped did not run in run run-1, so it did not fail: skipped: capability Tracing: none",
		"Partly":  "no step of a/Partly failed in run run-1, whose verdict is: inconclusive: 1 of 2 steps were left out",
	} {
		_, err := Find(earlier(), name)
		assert.ErrorContains(t, err, want)
	}
}

func TestFindErrorSaysWhySuitesDidNotStart(t *testing.T) {
	_, err := Find(report.Run{ID: "run-2", Suites: []report.Suite{{Name: "a", Error: "no room"}}}, "Red")
	require.ErrorContains(t, err, `feature "Red" is not in run run-2, which has no feature`)
	require.ErrorContains(t, err, "suite a: no room")
}

func TestFindRefusesASabotageRun(t *testing.T) {
	run := earlier()
	run.Kills = []report.Kill{{Suite: "a", Feature: "Red"}}
	_, err := Find(run, "Red")
	assert.ErrorContains(t, err, "is a sabotage run")
}

func TestSawIsTheFailureOrTheStatus(t *testing.T) {
	red, err := Find(earlier(), "Red")
	require.NoError(t, err)
	assert.Equal(t, `status: want "200", got "503"`, red.Saw())
	broken, err := Find(earlier(), "Error")
	require.NoError(t, err)
	assert.Equal(t, "error", broken.Saw(), "the report has only the status")
}

func TestElsewhereNamesTheDifferences(t *testing.T) {
	facts := func(version, provider string) report.Facts {
		return report.Facts{Mesh: report.MeshFacts{Flavour: "istio", Version: version}, Cluster: report.ClusterFacts{Provider: provider, Name: provider}}
	}
	was := Target{Facts: facts("1.22.8", "kind")}
	assert.Empty(t, was.Elsewhere(facts("1.22.8", "kind")))
	assert.Equal(t, `mesh "istio 1.31.1" instead of "istio 1.22.8", provider "existing" instead of "kind"`, was.Elsewhere(facts("1.31.1", "existing")))
}

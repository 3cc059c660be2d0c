package soak_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/report"
	"meshgate/framework/report/soak"
)

func runOf(status report.Status, took, converged report.Seconds) []report.Suite {
	s := report.Step{Name: "see", Kind: report.Assertion, Status: status, Took: took, Attempts: 3}
	if converged > 0 {
		s.ConvergedAfter = &converged
	}
	if status != report.Pass {
		s.Failure = &report.Failure{Message: "what was seen"}
	}
	return []report.Suite{{Name: "s", Features: []report.Feature{{Name: "F", Status: status, Steps: []report.Step{s}}}}}
}

func TestOneFailureInManyRunsIsAFailure(t *testing.T) {
	worst := soak.Worst(runOf(report.Pass, 1, 0), runOf(report.Fail, 1, 0), runOf(report.Pass, 1, 0))
	require.Len(t, worst, 1)
	require.Len(t, worst[0].Features, 1)
	assert.Equal(t, report.Fail, worst[0].Features[0].Status)
	assert.Equal(t, report.OutcomeFail, report.Judge(report.Run{Suites: worst}, false).Outcome)
}

func TestAnErrorInAnotherRunHidesNoFailure(t *testing.T) {
	worst := soak.Worst(runOf(report.Inconclusive, 1, 0), runOf(report.Error, 1, 0), runOf(report.Fail, 2, 0), runOf(report.Fail, 3, 0), runOf(report.Error, 1, 0))
	assert.Equal(t, report.Fail, worst[0].Features[0].Status)
	assert.Equal(t, report.Seconds(2), worst[0].Features[0].Steps[0].Took, "the first of its kind")
	assert.Equal(t, report.OutcomeFail, report.Judge(report.Run{Suites: worst}, false).Outcome)
}

func TestASoakHasTheDistributionOfEachStep(t *testing.T) {
	got := soak.Of(runOf(report.Pass, 1, 5), runOf(report.Pass, 3, 0), runOf(report.Fail, 2, 7))
	assert.Equal(t, 3, got.Runs)
	require.Len(t, got.Steps, 1)
	assert.Equal(t, report.StepRuns{Suite: "s", Feature: "F", Step: "see", Runs: 3, Failures: 1, Retries: 6,
		Took: report.Spread{Least: 1, Median: 2, P90: 3, Most: 3}, Converged: &report.Spread{Least: 5, Median: 5, P90: 7, Most: 7}}, got.Steps[0])
}

package report

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAClaimSaysWhatWasDeclaredAndWhatWasSeen(t *testing.T) {
	survived := Kill{By: Defective, Wrong: "redirect-302", Suite: "basic-gateway", Feature: "HTTPSRedirect", Step: "redirects", Field: "status", Outcome: Survived, Got: "green"}
	suites := Claims([]Kill{survived})
	require.Len(t, suites, 1)
	assert.Equal(t, "defect of basic-gateway", suites[0].Name)
	f := suites[0].Features[0]
	assert.Equal(t, "HTTPSRedirect: redirect-302", f.Name)
	status, cause := f.Judged()
	assert.Equal(t, Fail, status)
	assert.Equal(t, `survived: want red at "redirects" by "status", got green`, cause)
}

func runOf(status Status, took, converged Seconds) []Suite {
	s := Step{Name: "see", Kind: Then, Status: status, Took: took, Attempts: 3}
	if converged > 0 {
		s.ConvergedAfter = &converged
	}
	if status != Pass {
		s.Failure = &Failure{Message: "what was seen"}
	}
	return []Suite{{Name: "s", Features: []Feature{{Name: "F", Status: status, Steps: []Step{s}}}}}
}

func TestOneFailureInManyRunsIsAFailure(t *testing.T) {
	worst := Worst(runOf(Pass, 1, 0), runOf(Fail, 1, 0), runOf(Pass, 1, 0))
	require.Len(t, worst, 1)
	require.Len(t, worst[0].Features, 1)
	assert.Equal(t, Fail, worst[0].Features[0].Status)
	assert.Equal(t, OutcomeFail, Judge(Run{Suites: worst}, false).Outcome)
}

func TestAnErrorInAnotherRunHidesNoFailure(t *testing.T) {
	worst := Worst(runOf(Inconclusive, 1, 0), runOf(Error, 1, 0), runOf(Fail, 2, 0), runOf(Fail, 3, 0), runOf(Error, 1, 0))
	assert.Equal(t, Fail, worst[0].Features[0].Status)
	assert.Equal(t, Seconds(2), worst[0].Features[0].Steps[0].Took, "the first of its kind")
	assert.Equal(t, OutcomeFail, Judge(Run{Suites: worst}, false).Outcome)
}

func TestASoakHasTheDistributionOfEachStep(t *testing.T) {
	soak := SoakOf(runOf(Pass, 1, 5), runOf(Pass, 3, 0), runOf(Fail, 2, 7))
	assert.Equal(t, 3, soak.Runs)
	require.Len(t, soak.Steps, 1)
	assert.Equal(t, StepRuns{Suite: "s", Feature: "F", Step: "see", Runs: 3, Failures: 1, Retries: 6,
		Took: Spread{Least: 1, Median: 2, P90: 3, Most: 3}, Converged: &Spread{Least: 5, Median: 5, P90: 7, Most: 7}}, soak.Steps[0])
	soak.Steps[0].Converged.Most = Seconds(7 * time.Second)
	assert.Equal(t, "asked 3 times: 1 of 1 steps failed at least once; the slowest to converge took 7.0 s: s/F: see", soak.sentence())
}

package main

import (
	"testing"

	"meshgate/framework/report"
	"meshgate/framework/suite"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADefectIsChosenByItsNameAndForTheFeaturesThatAreSelected(t *testing.T) {
	all := func(string, suite.Feature) bool { return true }
	chosen, err := chosenDefects(wrongs{nth: -1, defects: "^redirect-302$"}, all)
	require.NoError(t, err)
	require.Len(t, chosen, 1)

	_, err = chosenDefects(wrongs{nth: -1, defects: "no-such-thing"}, all)
	assert.ErrorContains(t, err, `"no-such-thing" matches none of`)

	none, err := chosenDefects(wrongs{nth: -1}, func(string, suite.Feature) bool { return false })
	require.NoError(t, err)
	assert.Empty(t, none, "no feature would see them")

	none, err = chosenDefects(wrongs{nth: 0}, all)
	require.NoError(t, err)
	assert.Empty(t, none, "--nth is about sabotages")
}

func TestTheClaimsOfTheMatrixAreItsVerdict(t *testing.T) {
	cell := func(o report.KillOutcome) report.Kill {
		return report.Kill{By: report.Sabotaged, Wrong: "without Gateway g", Suite: "s", Feature: "F", Step: "see", Field: "status", Outcome: o, Got: "what was seen"}
	}
	for name, c := range map[string]struct {
		kills []report.Kill
		want  report.Outcome
	}{
		"all as declared": {[]report.Kill{cell(report.Killed), cell(report.Unharmed)}, report.OutcomePass},
		"one survived":    {[]report.Kill{cell(report.Killed), cell(report.Survived)}, report.OutcomeFail},
		"wrong reason":    {[]report.Kill{cell(report.WrongReason)}, report.OutcomeFail},
		"collateral":      {[]report.Kill{cell(report.Collateral)}, report.OutcomeFail},
		"not in effect":   {[]report.Kill{cell(report.Killed), cell(report.NotShown)}, report.OutcomeInconclusive},
		"nothing ran":     {nil, report.OutcomeInconclusive},
	} {
		run := report.Run{Kills: c.kills, Suites: report.Claims(c.kills)}
		assert.Equal(t, c.want, report.Judge(run, false).Outcome, name)
	}
}

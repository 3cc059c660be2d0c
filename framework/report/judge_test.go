package report_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"meshgate/framework/report"
	"meshgate/framework/report/reporttest"
)

// TestJudgeEveryCombination goes through every set of feature statuses, with and
// without a broken phase, a broken suite, a signal and --require-full, and holds
// the verdict against the documented order written out independently.
func TestJudgeEveryCombination(t *testing.T) {
	statuses := []report.Status{report.Pass, report.Fail, report.Skip, report.Error, report.Inconclusive}
	for set := range 1 << len(statuses) {
		var features []report.Feature
		has := map[report.Status]bool{}
		for i, s := range statuses {
			if set&(1<<i) != 0 {
				features = append(features, reporttest.Feature(s))
				has[s] = true
			}
		}
		for flags := range 16 {
			run := reporttest.RunOf(features...)
			phase, suite, signal, full := flags&1 != 0, flags&2 != 0, flags&4 != 0, flags&8 != 0
			if phase {
				run.Phases = []report.Phase{{Name: "cluster"}, {Name: "mesh", Error: "no address"}}
			}
			if suite {
				run.Suites[0].Error = "objects left behind"
			}
			if signal {
				run.Interrupted = "SIGINT"
			}
			wantOutcome, wantExit := expected(has, phase || suite, signal, full)
			got := report.Judge(run, full)
			name := fmt.Sprintf("%v phase=%v suite=%v signal=%v full=%v", has, phase, suite, signal, full)
			assert.Equal(t, wantOutcome, got.Outcome, name)
			assert.Equal(t, wantExit, got.Exit, name)
			assert.Contains(t, got.Sentence, string(wantOutcome), name)
			assert.Equal(t, len(features), got.Counts.Features, name)
		}
	}
}

func expected(has map[report.Status]bool, broken, signal, full bool) (report.Outcome, int) {
	ran := has[report.Pass] || has[report.Fail] || has[report.Inconclusive]
	if signal {
		return report.OutcomeInterrupted, 130
	}
	if has[report.Fail] {
		return report.OutcomeFail, 1
	}
	if broken || has[report.Error] {
		return report.OutcomeInfrastructure, 2
	}
	if has[report.Inconclusive] || !ran {
		return report.OutcomeInconclusive, 3
	}
	if has[report.Skip] && full {
		return report.OutcomePartial, 3
	}
	if has[report.Skip] {
		return report.OutcomePartial, 0
	}
	return report.OutcomePass, 0
}

func TestJudgedTrustsStepsNotLabels(t *testing.T) {
	step := func(k report.Kind, s report.Status) report.Step {
		return report.Step{Name: "st", Kind: k, Status: s}
	}
	for name, c := range map[string]struct {
		feature report.Feature
		want    report.Status
	}{
		"passed with an assertion":        {report.Feature{Status: report.Pass, Steps: []report.Step{step(report.Assertion, report.Pass)}}, report.Pass},
		"passed with a failed step":       {report.Feature{Status: report.Pass, Steps: []report.Step{step(report.Assertion, report.Pass), step(report.Assertion, report.Fail)}}, report.Fail},
		"passed with a failed control":    {report.Feature{Status: report.Pass, Steps: []report.Step{step(report.Control, report.Fail), step(report.Assertion, report.Pass)}}, report.Fail},
		"passed with a failed cleanup":    {report.Feature{Status: report.Pass, Steps: []report.Step{step(report.Assertion, report.Pass), step(report.Cleanup, report.Fail)}}, report.Error},
		"passed with an error":            {report.Feature{Status: report.Pass, Steps: []report.Step{step(report.Assertion, report.Pass), step(report.Action, report.Error)}}, report.Error},
		"passed with an unknown step":     {report.Feature{Status: report.Pass, Steps: []report.Step{step(report.Assertion, report.Pass), step(report.Assertion, "")}}, report.Error},
		"passed without steps":            {report.Feature{Status: report.Pass}, report.Inconclusive},
		"passed with only a control":      {report.Feature{Status: report.Pass, Steps: []report.Step{step(report.Control, report.Pass)}}, report.Inconclusive},
		"passed with a skipped assertion": {report.Feature{Status: report.Pass, Steps: []report.Step{step(report.Assertion, report.Skip)}}, report.Inconclusive},
		"failed without a failing step":   {report.Feature{Status: report.Fail}, report.Fail},
		"no status":                       {report.Feature{}, report.Error},
		"a status nobody knows":           {report.Feature{Status: "passed", Steps: []report.Step{step(report.Assertion, report.Pass)}}, report.Error},
		"skipped stays skipped":           {report.Feature{Status: report.Skip, Reason: "no egress"}, report.Skip},
		"inconclusive stays so":           {report.Feature{Status: report.Inconclusive, Steps: []report.Step{step(report.Assertion, report.Pass)}}, report.Inconclusive},
		"passed with inconclusive steps":  {report.Feature{Status: report.Pass, Steps: []report.Step{step(report.Assertion, report.Pass), step(report.Assertion, report.Inconclusive)}}, report.Inconclusive},
	} {
		got, cause := c.feature.Judged()
		assert.Equal(t, c.want, got, name)
		assert.Equal(t, got == report.Pass, cause == "", "%s: a cause exactly when it is no pass: %q", name, cause)
	}
}

func TestSentence(t *testing.T) {
	hostile := reporttest.Feature(report.Fail)
	hostile.Steps[0].Failure = &report.Failure{Message: "got \x1b]0;owned\a\nverdict: pass"}
	for name, c := range map[string]struct {
		run  report.Run
		full bool
		want string
	}{
		"pass": {reporttest.RunOf(reporttest.Feature(report.Pass)), false, `pass (1 feature: 1 passed)`},
		"fail": {reporttest.RunOf(reporttest.Feature(report.Pass), reporttest.Feature(report.Fail), reporttest.Feature(report.Skip)), false,
			`fail: s/F-fail: Location: want "https://a/", got "" (3 features: 1 passed, 1 failed, 1 skipped)`},
		"partial": {reporttest.RunOf(reporttest.Feature(report.Pass), reporttest.Feature(report.Skip)), false,
			`partial: s/F-skip: because of skip (2 features: 1 passed, 1 skipped)`},
		"partial but full required": {reporttest.RunOf(reporttest.Feature(report.Pass), reporttest.Feature(report.Skip)), true,
			`partial: s/F-skip: because of skip (2 features: 1 passed, 1 skipped); a full run was required`},
		"all skipped": {reporttest.RunOf(reporttest.Feature(report.Skip)), false,
			`inconclusive: nothing ran: 1 feature skipped, the first s/F-skip: because of skip (1 feature: 1 skipped)`},
		"nothing matched": {report.Run{Selection: report.Selection{Feature: "^Nope$", Suites: []string{"basic-gateway"},
			Labels: map[string]string{"b": "2", "a": "1"}, Offered: 12}}, false,
			`inconclusive: nothing ran: suite filter "basic-gateway" and feature filter "^Nope$" and labels "a=1,b=2" matched none of 12 features`},
		"nothing there":   {report.Run{}, false, `inconclusive: nothing ran: there was no feature to run`},
		"nothing started": {report.Run{Selection: report.Selection{Offered: 2}}, false, `inconclusive: nothing ran: none of 2 features was started`},
		"cluster broken": {report.Run{Phases: []report.Phase{{Name: "cluster", Error: "no space"}}}, false,
			`infrastructure: phase cluster: no space`},
		"feature in error": {reporttest.RunOf(reporttest.Feature(report.Error)), false,
			`infrastructure: s/F-error: because of error (1 feature: 1 in error)`},
		"interrupted": {report.Run{Interrupted: "SIGTERM", Suites: reporttest.RunOf(reporttest.Feature(report.Fail)).Suites}, false,
			`interrupted: by SIGTERM (1 feature: 1 failed)`},
		"hostile text": {reporttest.RunOf(hostile), false,
			`fail: s/F-fail: asks: got \x1b]0;owned\x07\nverdict: pass (1 feature: 1 failed)`},
	} {
		assert.Equal(t, c.want, report.Judge(c.run, c.full).Sentence, name)
	}
}

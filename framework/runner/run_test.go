package runner

import (
	"meshgate/framework/suite"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"meshgate/framework/report"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// untouched is what was there before any run.
var untouched = []string{"Namespace istio-system", "Pod istio-system/gw-1"}

const (
	applyGiven  = "PATCH /api/v1/namespaces/bookinfo-s/configmaps/given-"
	deleteGiven = "DELETE /api/v1/namespaces/bookinfo-s/configmaps/given-"
)

func TestAFeatureThatPassesLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	o := play(t, "green")
	assert.Equal(t, report.ExitPass, o.exit, o.output)
	f := o.feature(t, "Green")
	assert.Equal(t, report.Pass, f.Status)
	var steps []string
	for _, s := range f.Steps {
		steps = append(steps, string(s.Kind)+": "+s.Name)
	}
	assert.Equal(t, []string{"given: setup", "then: see", "then: every request has exactly one line in the gateway's access log"}, steps)
	assert.Equal(t, untouched, o.Objects)
	assert.Less(t, o.index("PATCH /api/v1/namespaces/bookinfo-s/configmaps/shared"), o.index(applyGiven+"green"), "what is shared stands first")
	assert.Equal(t, 1, o.Opened)
}

// Trap of e2e-framework: what runs after a feature runs after its teardown, too late
// for evidence; and a failure ends the feature before it.
func TestAStepThatFailsHasItsEvidenceCapturedAndThenIsCleanedUp(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"plain": nil, "with --fail-fast": {"--fail-fast"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := play(t, "red", flags...)
			assert.Equal(t, report.ExitFail, o.exit, o.output)
			f := o.feature(t, "Red")
			assert.Equal(t, report.Fail, f.Status)
			assert.Equal(t, `see: status: want "200", got "404"`, f.Reason)
			require.Len(t, f.Steps, 2, "what comes after a failure is never asked")
			seen := o.index("GET /api/v1/namespaces/bookinfo-s/configmaps")
			require.Positive(t, seen, "the evidence holds the objects as they were")
			assert.Less(t, seen, o.index(deleteGiven+"red"))
			require.NotEmpty(t, f.Steps[1].Evidence)
			assert.Equal(t, untouched, o.Objects)
			assert.Equal(t, report.Pass, o.feature(t, "Green").Status, "the others go on")
		})
	}
}

// Trap: a filter that matches nothing is green.
func TestAFilterThatMatchesNothingIsInconclusiveAndStandsNothingUp(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"feature":         {"--feature", "NoSuchFeature"},
		"skipped feature": {"--skip-features", ".*"},
		"label":           {"--labels", "suite=other"},
		"go test -run":    {"-test.run", "NoSuchSuite"},
		"-run, feature":   {"-test.run", "s/NoSuchFeature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := play(t, "green", flags...)
			assert.Equal(t, report.ExitInconclusive, o.exit, o.output)
			assert.Equal(t, report.OutcomeInconclusive, o.run.Verdict.Outcome)
			assert.Zero(t, o.Opened, "nothing was stood up")
			assert.Empty(t, o.Requests)
			assert.Empty(t, o.said("s"), "and nothing is shown")
		})
	}
}

func TestAFilterThatLeavesStepsOutProvesNothing(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"only the closing step": {"--assess", "access log"},
		"no step":               {"--assess", "NoSuchStep"},
		"all but one":           {"--skip-assessment", "see"},
		"go test -run":          {"-test.run", "s/Green/every"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := play(t, "green", flags...)
			assert.Equal(t, report.ExitInconclusive, o.exit, o.output)
			f := o.feature(t, "Green")
			assert.Equal(t, report.Inconclusive, f.Status)
			assert.Contains(t, f.Reason, "steps were left out by the selection of assessments")
			assert.Equal(t, untouched, o.Objects)
		})
	}
}

func TestAFilterThatMatchesOneRunsThatOne(t *testing.T) {
	t.Parallel()
	o := play(t, "two-of-them", "--feature", "^(Green|Blue)$")
	assert.Equal(t, report.ExitPass, o.exit, o.output)
	assert.Len(t, o.run.Suites[0].Features, 2)
	assert.Negative(t, o.index(applyGiven+"red"))
}

func TestAnAbsentCapabilityIsASkipWithItsReason(t *testing.T) {
	t.Parallel()
	o := play(t, "skip")
	assert.Equal(t, report.ExitPass, o.exit, o.output)
	assert.Equal(t, report.OutcomePartial, o.run.Verdict.Outcome)
	f := o.feature(t, "Traced")
	assert.Equal(t, report.Skip, f.Status)
	assert.Equal(t, "capability Tracing: there is no backend", f.Reason)
	assert.Negative(t, o.index(applyGiven+"traced"), "nothing was made for it")
}

func TestAStepThatNeedsAnAccessLogIsSkippedAloneWhereThereIsNone(t *testing.T) {
	t.Parallel()
	o := play(t, "no-log")
	assert.Equal(t, report.ExitPass, o.exit, o.output)
	f := o.feature(t, "Green")
	assert.Equal(t, report.Pass, f.Status)
	last := f.Steps[len(f.Steps)-1]
	assert.Equal(t, report.Skip, last.Status)
	require.NotNil(t, last.Failure, "the report says why")
	assert.Equal(t, "capability AccessLog: accessLogFile is empty", last.Failure.Message)
}

func TestASuiteThatCannotRunMakesNothingAndIsInconclusive(t *testing.T) {
	t.Parallel()
	o := play(t, "skip-all")
	assert.Equal(t, report.ExitInconclusive, o.exit, o.output)
	assert.Equal(t, "capability Tracing: there is no backend", o.feature(t, "Green").Reason)
	assert.Negative(t, o.index("PATCH"))
}

// Trap: a fatal error in the setup skips the teardown.
func TestAGivenThatFailsIsAnErrorOfItsFeatureAlone(t *testing.T) {
	t.Parallel()
	o := play(t, "bad-given")
	assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
	f := o.feature(t, "NoGiven")
	assert.Equal(t, report.Error, f.Status)
	assert.Equal(t, "setup: the fixture is broken", f.Reason)
	assert.Equal(t, report.Pass, o.feature(t, "Green").Status)
	assert.Equal(t, untouched, o.Objects)
}

func TestWhatAllFeaturesShareIsCleanedUpWhenItCannotStand(t *testing.T) {
	t.Parallel()
	o := play(t, "bad-ground")
	assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
	assert.Equal(t, "panic: the applications are broken", o.run.Suites[0].Error)
	assert.Equal(t, untouched, o.Objects)
}

// Trap: package testing ends the process at a panic, and every other feature with it.
func TestAStepThatPanicsIsAnErrorAndEverythingIsCleanedUp(t *testing.T) {
	t.Parallel()
	o := play(t, "panic")
	assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
	f := o.feature(t, "Panics")
	assert.Equal(t, report.Error, f.Status)
	assert.Equal(t, "see: panic: oops", f.Reason)
	assert.Equal(t, report.Pass, o.feature(t, "Green").Status)
	assert.Equal(t, untouched, o.Objects)
	assert.Contains(t, o.output, "scenarios_test.go", "the stack is told")
}

func TestAnInterruptedRunIsCleanedUpAndHeldAgainstNobody(t *testing.T) {
	t.Parallel()
	o := play(t, "interrupt")
	assert.Equal(t, report.ExitInterrupted, o.exit, o.output)
	assert.Equal(t, "interrupt", o.run.Interrupted)
	f := o.feature(t, "Interrupted")
	assert.Equal(t, report.Error, f.Status)
	assert.Contains(t, f.Reason, "interrupted by interrupt")
	assert.Empty(t, f.Steps[1].Evidence, "the user waits")
	assert.Equal(t, untouched, o.Objects, "on a context that was not cancelled")
}

func TestATimeoutIsCleanedUpAndNamedAndHeldAgainstNobody(t *testing.T) {
	t.Parallel()
	o := play(t, "timeout")
	assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
	f := o.feature(t, "Slow")
	assert.Equal(t, report.Error, f.Status)
	assert.Contains(t, f.Reason, "go test -timeout 2s is nearly spent")
	assert.Equal(t, untouched, o.Objects)
}

func TestASuiteThatIsNotValidStandsNothingUp(t *testing.T) {
	t.Parallel()
	o := play(t, "invalid")
	assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
	assert.Contains(t, o.output, "feature Empty asserts nothing")
	assert.Zero(t, o.Opened)
}

func TestABedThatCannotStandIsSaidOnce(t *testing.T) {
	t.Parallel()
	o := play(t, "no-bed")
	assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
	assert.Contains(t, o.run.Verdict.Sentence, "no room on the disk")
	assert.Equal(t, 1, o.Opened)
	assert.Empty(t, o.Requests)
}

func TestWhatASuiteLeavesBehindIsItsError(t *testing.T) {
	t.Parallel()
	o := play(t, "leftover")
	assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
	assert.Equal(t, "left behind, and deleted by the suite: [ConfigMap istio-system/left]", o.run.Suites[0].Error)
	assert.NotContains(t, o.Objects, "ConfigMap istio-system/left")
}

func TestWhatCannotBeRemovedAtLastIsSaidAndLeftToTheNextRun(t *testing.T) {
	t.Parallel()
	o := play(t, "immovable")
	assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
	assert.Contains(t, o.output, "s left objects on the cluster, which its next run deletes: left behind: [ConfigMap istio-system/left]: ")
	assert.Contains(t, o.Objects, "ConfigMap istio-system/left")
	assert.Contains(t, o.Objects, "Lease istio-system/meshgate-s", "by which the next run knows")
}

func TestWhatARunThatWasKilledLeftIsRemovedFirst(t *testing.T) {
	t.Parallel()
	o := play(t, "killed")
	assert.Zero(t, o.exit, o.output)
	assert.Contains(t, o.output, "an earlier run was killed; the objects that it left are deleted: 1, the first is ConfigMap istio-system/left")
	for _, left := range []string{"ConfigMap istio-system/left", "Lease istio-system/meshgate-s"} {
		assert.NotContains(t, o.Objects, left)
	}
}

func TestAnObjectThatCannotBeRemovedIsTheFeaturesError(t *testing.T) {
	t.Parallel()
	o := play(t, "stuck")
	assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
	f := o.feature(t, "Stuck")
	assert.Equal(t, report.Error, f.Status)
	assert.True(t, strings.HasPrefix(f.Reason, "cleanup: left behind: "), f.Reason)
	assert.Contains(t, f.Reason, "finalizers [example.com/hold]")
}

func TestWhatIsForeignIsRefusedAndNotCalledLeftBehind(t *testing.T) {
	t.Parallel()
	o := play(t, "foreign")
	assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
	f := o.feature(t, "Foreign")
	assert.Contains(t, f.Reason, "ConfigMap istio-system/theirs exists and was not created by meshgate")
	for _, s := range f.Steps {
		assert.NotEqual(t, report.Cleanup, s.Kind)
	}
	assert.Equal(t, append(untouched[:2:2], "ConfigMap istio-system/theirs"), o.Objects)
}

func TestASabotageWithoutATargetIsAnError(t *testing.T) {
	t.Parallel()
	o := play(t, "no-target")
	assert.Equal(t, report.ExitInfrastructure, o.exit, o.output)
	assert.Equal(t, `setup: sabotage "without ConfigMap gone": no ConfigMap gone; there are: [ConfigMap bookinfo-s/given-green]`, o.feature(t, "Green").Reason)
}

func TestWhatCouldNotBeSeenIsNotMadeWrong(t *testing.T) {
	t.Parallel()
	o := play(t, "unshown")
	assert.Equal(t, report.ExitInconclusive, o.exit, o.output)
	for feature, reason := range map[string]string{
		"Green": "capability AccessLog: accessLogFile is empty", // of the step that had to fail
		"Blue":  "capability Tracing: there is no backend",      // of the sabotage itself
	} {
		f := o.feature(t, feature)
		assert.Equal(t, report.Skip, f.Status)
		assert.Equal(t, reason, f.Reason)
	}
	assert.Negative(t, o.index(applyGiven))
}

func TestAWithheldFixtureTurnsItsFeatureRed(t *testing.T) {
	t.Parallel()
	o := play(t, "withheld")
	assert.Equal(t, report.ExitFail, o.exit, o.output)
	sees := promise("Sees", holds("see", seesGiven))
	kills := Kills([]suite.Suite{of(sees)}, Round{Wrong: map[string]*suite.Sabotage{Key("s", "Sees"): &sees.Sabotage[0]}}, o.run.Suites)
	require.Len(t, kills, 1)
	assert.Equal(t, report.Killed, kills[0].Outcome, kills[0].Got)
}

func TestEditsBuildOnOneAnother(t *testing.T) {
	t.Parallel()
	o := play(t, "edited")
	assert.Equal(t, report.ExitPass, o.exit, o.output)
}

func TestAFeatureThatIsToBeAloneComesAfterTheOthers(t *testing.T) {
	t.Parallel()
	o := play(t, "alone")
	assert.Equal(t, report.ExitPass, o.exit, o.output)
	assert.Less(t, o.index(deleteGiven+"other"), o.index(applyGiven+"one"))
	assert.Less(t, o.index(deleteGiven+"one"), o.index(applyGiven+"two"))
}

func TestASuiteThatCannotBePreparedIsAnInfrastructureError(t *testing.T) {
	t.Parallel()
	o := play(t, "unprepared")
	assert.Equal(t, report.OutcomeInfrastructure, o.run.Verdict.Outcome)
	assert.Contains(t, o.output, "the database knows no user of that password")
	assert.Equal(t, untouched, o.Objects)
}

func TestASuiteWithoutItsGatewayIsSkippedAndSaysSo(t *testing.T) {
	t.Parallel()
	o := play(t, "no-gateway")
	f := o.feature(t, "Green")
	assert.Equal(t, report.Skip, f.Status)
	assert.Equal(t, "gateway db-gateway: no Service with label istio=db-gateway", f.Reason)
	assert.Equal(t, untouched, o.Objects)
}

func TestWhatWasTakenAwayForAWhileIsMadeAgainWhateverHappened(t *testing.T) {
	t.Parallel()
	o := play(t, "recreated")
	assert.Equal(t, report.ExitPass, o.exit, o.output)
	assert.Equal(t, untouched, o.Objects)
}

func TestADryRunListsAndStandsNothingUp(t *testing.T) {
	t.Parallel()
	o := play(t, "green", "--dry-run")
	assert.Equal(t, report.ExitInconclusive, o.exit, o.output)
	assert.Contains(t, o.output, "s: It works.\n  Green ")
	assert.Zero(t, o.Opened)
}

func TestTheReportOfGoTestIsBelowTheModule(t *testing.T) {
	root := t.TempDir()
	below := filepath.Join(root, "suites", "one")
	require.NoError(t, os.MkdirAll(below, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), nil, 0o644))
	t.Chdir(below)
	got, err := inCheckout("report")
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(root, "report"), got)
	got, err = inCheckout("/elsewhere")
	require.NoError(t, err)
	assert.Equal(t, "/elsewhere", got)
}

func TestSuitesStandFromRoundToRound(t *testing.T) {
	t.Parallel()
	o := play(t, "rounds")
	require.Len(t, o.run.Suites, 2)
	assert.Equal(t, report.Fail, o.feature(t, "Sees").Status, "wrong in the first round")
	require.Len(t, o.run.Suites[1].Features, 1, "the second asks one feature alone")
	assert.Equal(t, report.Pass, o.run.Suites[1].Features[0].Status, "right in the second")
	assert.Equal(t, 1, o.Opened)
	shared := 0
	for _, r := range o.Requests {
		if strings.HasPrefix(r, "PATCH /api/v1/namespaces/bookinfo-s/configmaps/shared") {
			shared++
		}
	}
	assert.Equal(t, 1, shared, "what is shared is made once")
	assert.Equal(t, untouched, o.Objects)
}

func TestMeddlingComesJustBeforeItsStep(t *testing.T) {
	t.Parallel()
	f := play(t, "sabotaged").feature(t, "Sees")
	var steps []string
	for _, s := range f.Steps {
		steps = append(steps, string(s.Status)+": "+s.Name)
	}
	assert.Equal(t, []string{"pass: setup", "pass: see", "pass: sabotage: its fixture is taken away", "fail: see again"}, steps)
}

// spent is a duration, which is not the same in two runs.
var spent = regexp.MustCompile(`\d+(\.\d+)? m?s$`)

func TestTheLogTellsOfFeaturesAndTheReportOfNoMorePhases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scenario string
		flags    []string
		want     []string
	}{
		"plain":    {"red", nil, []string{"s: begins", `s: Red fail: see: status: want "200", got "404"`, "s: Green pass in X", "s: 2 of 2, 1 failed: done in X"}},
		"-run":     {"red", []string{"-test.run", "s/Green"}, []string{"s: begins", "s: Green pass in X", "s: 1 of 1: done in X"}},
		"--labels": {"skip", []string{"--labels", "suite=s"}, []string{"s: begins", "s: Traced skip: capability Tracing: there is no backend", "s: Green pass in X", "s: 2 of 2, 1 skipped: done in X"}},
		"-v": {"green", []string{"-test.v"}, []string{"s: begins", "s: Green: setup pass in X", "s: Green: see pass in X",
			"s: Green: every request has exactly one line in the gateway's access log pass in X", "s: Green pass in X", "s: 1 of 1: done in X"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := play(t, c.scenario, c.flags...)
			var said []string
			for _, line := range o.said("s: ") {
				said = append(said, spent.ReplaceAllString(line, "X"))
			}
			assert.ElementsMatch(t, c.want, said, o.output)
			require.Len(t, o.run.Phases, 1)
			assert.Equal(t, "suite s", o.run.Phases[0].Name)
			assert.Empty(t, o.run.Phases[0].Notes)
		})
	}
}

func TestARoundHasOneProgressLineAndOnePhase(t *testing.T) {
	t.Parallel()
	o := play(t, "rounds")
	assert.Empty(t, o.said("s: "))
	first := o.said("s, round 1 of 2: ")
	require.Len(t, first, 4, o.output)
	assert.Equal(t, "s, round 1 of 2: begins", first[0])
	assert.Contains(t, first, `s, round 1 of 2: Sees (without ConfigMap given-sees) fail: see: status: want "200", got "404"`)
	assert.Contains(t, first[3], "2 of 2, 1 failed: done in ")
	assert.Contains(t, o.said("s, round 2 of 2: ")[2], "1 of 1: done in ")
	var phases []string
	for _, p := range o.run.Phases {
		phases = append(phases, p.Name)
		assert.Empty(t, p.Notes)
	}
	assert.ElementsMatch(t, []string{"suite s", "s, round 1 of 2", "s, round 2 of 2"}, phases)
}

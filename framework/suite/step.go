package suite

import (
	"context"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/report"
	"meshgate/framework/wait"
)

// Step is one action or assertion of a feature. The functions of this package make
// steps; the runner reads these fields.
type Step struct {
	// Name says what is asserted or done. Reports and the kill matrix show it without
	// the steps before it, so that it has to be understood alone.
	Name string
	// Kind tells assertions from positive controls and actions.
	Kind report.Kind
	// Needs is a capability without which this step, and no other, is skipped; empty:
	// none.
	Needs mesh.Capability
	// Conditions are what the step wants; all of them are looked at in each attempt.
	Conditions []Condition
	// Polling is how often the conditions are looked at.
	Polling wait.Polling
	// Within names the budget of the step; nil: Converged.
	Within func(wait.Budget) time.Duration
	// AfterProgrammed makes the step wait first until every proxy has what the feature
	// has changed: before that a refusal may only show that nothing has arrived yet.
	AfterProgrammed bool
	// Action is what a step does that wants nothing.
	Action Action
}

// Eventually asserts that all conditions are met in the same attempt before the budget
// Converged is spent: configuration that was just applied takes effect.
func Eventually(name string, conditions ...Condition) Step {
	return Step{Name: name, Kind: report.Assertion, Conditions: conditions, Polling: wait.UntilMet}
}

// Control is Eventually as the positive control of the refusals that follow it: the same
// client reaches the same target in the allowed state.
func Control(name string, conditions ...Condition) Step {
	s := Eventually(name, conditions...)
	s.Kind = report.Control
	return s
}

// Now asserts that all conditions are met at the first attempt. It belongs after a step
// that has seen the configuration in effect.
func Now(name string, conditions ...Condition) Step {
	return Step{Name: name, Kind: report.Assertion, Conditions: conditions, Polling: wait.Once}
}

// Stay asserts that all conditions are met at every sample over the window Settled, which
// begins when every proxy has what the feature has changed.
func Stay(name string, conditions ...Condition) Step {
	return Step{Name: name, Kind: report.Assertion, Conditions: conditions, Polling: wait.OverTheWindow, AfterProgrammed: true}
}

// Logged asserts of every request that the feature made through the ingress gateway, and
// that was answered, that the gateway's access log has exactly one line of it, which says
// what the client saw and passes the checks that also returns for the answer (nil: none).
// The fields are those of these checks.
func Logged(name string, also func(probe.Observation) []expect.LineCheck, fields ...expect.Field) Step {
	return Step{
		Name: name, Kind: report.Assertion, Needs: mesh.AccessLog, Conditions: []Condition{LoggedOnce(also, fields...)},
		Polling: wait.UntilMet, Within: func(b wait.Budget) time.Duration { return b.LogFlush },
	}
}

// Do is an action that the next assertions are about, such as replacing a secret.
func Do(name string, action Action) Step {
	return Step{Name: name, Kind: report.Action, Action: action}
}

// Programmed waits, before steps that may look only once or too early, until every proxy
// has all that the feature has changed.
func Programmed() Step {
	return Do("every proxy has the configuration", Func(func(ctx context.Context, e Env) error { return e.AwaitProgrammed(ctx) }))
}

// Needing skips a step, and only it, where the capability is absent.
func Needing(c mesh.Capability, s Step) Step {
	s.Needs = c
	return s
}

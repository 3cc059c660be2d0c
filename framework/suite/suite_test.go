package suite

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"meshgate/framework/expect"
	"meshgate/framework/report"
	"meshgate/framework/testbed"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func nothing(context.Context, *Env) error { return nil }

// sound is a suite that nothing is wrong with.
func sound() Suite {
	return Suite{Name: "s", Promise: "It works.", Features: []Feature{{
		Name: "F", Promise: "It works.", Spec: "spec.md#s", Then: []Step{Do("act", nothing), Holds("see", nothing)},
		Sabotage: []Sabotage{Withhold("ConfigMap", "c", "status")},
	}}}
}

func TestASuiteThatCouldBeGreenWithoutProvingAnythingIsRefused(t *testing.T) {
	require.NoError(t, sound().validate())
	for want, spoil := range map[string]func(*Suite){
		`suite "": name, promise and at least one feature are needed`:                    func(s *Suite) { s.Name = "" },
		`suite "s": name, promise and at least one feature are needed`:                   func(s *Suite) { s.Features = nil },
		`suite s: two features are called "F"`:                                           func(s *Suite) { s.Features = append(s.Features, s.Features[0]) },
		`suite s: feature "": name, promise and spec are needed`:                         func(s *Suite) { s.Features[0].Name = "" },
		`suite s: feature "F": name, promise and spec are needed`:                        func(s *Suite) { s.Features[0].Spec = "" },
		`suite s: feature F: two steps are called "see"`:                                 func(s *Suite) { s.Features[0].Then[0].Name = "see" },
		`suite s: feature F asserts nothing`:                                             func(s *Suite) { s.Features[0].Then = []Step{Do("act", nothing), Control("reachable")} },
		`suite s: feature F declares no sabotage: say what must turn it red`:             func(s *Suite) { s.Features[0].Sabotage = nil },
		`suite s: feature F: a step has no name, and neither reports nor filters see it`: func(s *Suite) { s.Features[0].Then[0].Name = "" },
	} {
		s := sound()
		spoil(&s)
		assert.EqualError(t, s.validate(), want)
	}
}

func TestOnlyWhatAnExpectationSawIsHeldAgainstTheMesh(t *testing.T) {
	mismatch := &expect.Mismatch{Field: "status", Want: "200", Got: "404"}
	for name, c := range map[string]struct {
		err  error
		want report.Status
	}{
		"nothing":                     {nil, report.Pass},
		"a mismatch":                  {mismatch, report.Fail},
		"a mismatch inside":           {fmt.Errorf("step: %w", errors.Join(errors.New("x"), mismatch)), report.Fail},
		"something else":              {errors.New("connection refused"), report.Error},
		"the surroundings":            {Broken(errors.New("no pod")), report.Error},
		"a mismatch of surroundings":  {Broken(mismatch), report.Error},
		"both":                        {errors.Join(mismatch, Broken(errors.New("no pod"))), report.Error},
		"a cancelled context":         {context.Canceled, report.Error},
		"a mismatch, while cancelled": {errors.Join(mismatch, context.Canceled), report.Error},
	} {
		assert.Equal(t, c.want, statusOf(c.err), name)
	}
	assert.NoError(t, Broken(nil))
	assert.ErrorIs(t, Broken(mismatch), mismatch)
}

func TestWhatIsSeenAfterTheEndIsNotHeldAgainstTheMesh(t *testing.T) {
	mismatch := &expect.Mismatch{Field: "status", Want: "200", Got: "404"}
	assert.Equal(t, report.Fail, statusOf(afterTheEnd(t.Context(), mismatch)), "the run goes on")
	for name, cause := range map[string]error{
		"a signal":  &testbed.Interrupted{},
		"a timeout": errors.New("go test -timeout 10m is nearly spent"),
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		err := afterTheEnd(ctx, mismatch)
		assert.Equal(t, report.Error, statusOf(err), name)
		require.ErrorIs(t, err, cause, name)
		assert.NoError(t, afterTheEnd(ctx, nil), "what passed, passed")
	}
}

func TestAFailureKeepsItsMismatchesAndWhatWasSeen(t *testing.T) {
	err := fmt.Errorf("x: %w", &expect.Mismatch{Field: "status", Want: "200", Got: "404"})
	f := failureOf(err, map[string]int{"status": 404})
	assert.Equal(t, `x: status: want "200", got "404"`, f.Message)
	assert.Equal(t, []report.Mismatch{{Field: "status", Want: "200", Got: "404"}}, f.Mismatches)
	assert.JSONEq(t, `{"status": 404}`, string(f.Observation))
	assert.Nil(t, failureOf(nil, 1))
	assert.JSONEq(t, `"json: unsupported type: chan int"`, string(failureOf(err, make(chan int)).Observation))
}

func TestAPanicIsAnErrorOfTheSurroundings(t *testing.T) {
	_, err := guarded(func() (result, error) { var m map[string]int; m["x"] = 1; return result{}, nil })
	assert.EqualError(t, err, "panic: assignment to entry in nil map")
	assert.Equal(t, report.Error, statusOf(err))
	var p *panicked
	require.ErrorAs(t, err, &p)
	assert.Contains(t, string(p.stack), "suite_test.go")
}

package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/report"
	"meshgate/framework/suite"
	"meshgate/framework/testbed"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func nothing(context.Context, *environment) error { return nil }

// sound is a suite that nothing is wrong with.
func sound() suite.Suite {
	return suite.Suite{Name: "s", Promise: "It works.", Features: []suite.Feature{{
		Name: "F", Promise: "It works.", Spec: "docs/spec/s.md", Steps: []suite.Step{does("act", nothing), holds("see", nothing)},
		Sabotage: []suite.Sabotage{suite.Withhold("ConfigMap", "c", "status")},
	}}}
}

func TestASuiteThatCouldBeGreenWithoutProvingAnythingIsRefused(t *testing.T) {
	require.NoError(t, Validate(sound()))
	for want, spoil := range map[string]func(*suite.Suite){
		`suite "": name, promise and at least one feature are needed`:  func(s *suite.Suite) { s.Name = "" },
		`suite "s": name, promise and at least one feature are needed`: func(s *suite.Suite) { s.Features = nil },
		`suite s: two features are called "F"`:                         func(s *suite.Suite) { s.Features = append(s.Features, s.Features[0]) },
		`suite s: feature "": name, promise and spec are needed`:       func(s *suite.Suite) { s.Features[0].Name = "" },
		`suite s: feature "F": name, promise and spec are needed`:      func(s *suite.Suite) { s.Features[0].Spec = "" },
		`suite s: feature F: two steps are called "see"`:               func(s *suite.Suite) { s.Features[0].Steps[0].Name = "see" },
		`suite s: feature F asserts nothing`: func(s *suite.Suite) {
			s.Features[0].Steps = []suite.Step{does("act", nothing), suite.Control("reachable", that(nothing))}
		},
		`suite s: feature F declares no sabotage: say what must turn it red`:             func(s *suite.Suite) { s.Features[0].Sabotage = nil },
		`suite s: feature F: a step has no name, and neither reports nor filters see it`: func(s *suite.Suite) { s.Features[0].Steps[0].Name = "" },
	} {
		s := sound()
		spoil(&s)
		assert.EqualError(t, Validate(s), want)
	}
}

// breaking is a suite that asks for an application by an exchange.
func breaking(w suite.Sabotage) suite.Suite {
	s := sound()
	s.Features[0].Steps = []suite.Step{suite.Eventually("answers", suite.Ask(probe.GET("http://h/"), expect.Status(200), expect.EchoApp("app")))}
	s.Features[0].Sabotage = []suite.Sabotage{w}
	return s
}

func TestASabotageThatCouldNotBeJudgedIsRefusedWithTheNearestRightOne(t *testing.T) {
	require.NoError(t, Validate(breaking(suite.Withhold("Service", "app", expect.FieldReceivedApp))))
	for want, w := range map[string]suite.Sabotage{
		`no check of step "answers" can find the field "app" wrong; the nearest there is: "status"; the step's fields: received by application, status`: suite.Withhold("Service", "app", "app"),
		`it does not say which field must be named`:                                                             suite.Withhold("Service", "app", ""),
		`it is about a step that is not there: "answer"; the nearest there is: "answers"`:                       suite.Withhold("Service", "app", expect.FieldStatus).At("answer"),
		`it is done before a step that is not there: "answer"; the nearest there is: "answers"`:                 suite.BreakBefore("answer", "x", expect.FieldStatus, suite.Action{}).At("answers"),
		`VirtualService spec.htp: no such field; the nearest there is: "http"`:                                  suite.BreakBefore("answers", "x", expect.FieldStatus, suite.Set("VirtualService", "app", "x", "spec", "htp", "0")),
		`can find the field "log flags" wrong; the nearest there is: "log path"; the step's fields: access-log`: suite.Withhold("Service", "app", expect.FieldLogFlags).At("every request has exactly one line in the gateway's access log"),
	} {
		assert.ErrorContains(t, Validate(breaking(w)), want)
	}
}

func TestWhatIsMisspeltInASetUpIsFoundWithoutACluster(t *testing.T) {
	good := suite.Suite{Name: "s", Namespaces: []string{"bookinfo"}, Features: []suite.Feature{{Name: "F",
		Setup:    []suite.Setup{suite.Fixtures("basic-gateway/cors/*.yaml")},
		Sabotage: []suite.Sabotage{suite.Withhold("VirtualService", "cors", expect.FieldStatus)}}}}
	require.NoError(t, CheckObjects(good))
	for want, spoil := range map[string]func(*suite.Feature){
		`fixtures "basic-gateway/crs/*.yaml": the pattern matches no file`: func(f *suite.Feature) { f.Setup[0] = suite.Fixtures("basic-gateway/crs/*.yaml") },
		`no VirtualService crs; there are: `:                               func(f *suite.Feature) { f.Sabotage[0] = suite.Withhold("VirtualService", "crs", expect.FieldStatus) },
		`spec.htp: no such field`: func(f *suite.Feature) {
			f.Sabotage[0] = suite.Replace("VirtualService", "cors", expect.FieldStatus, "x", "spec", "htp", "0")
		},
	} {
		bad := good
		bad.Features = []suite.Feature{{Name: "F", Setup: slices.Clone(good.Features[0].Setup), Sabotage: slices.Clone(good.Features[0].Sabotage)}}
		spoil(&bad.Features[0])
		assert.ErrorContains(t, CheckObjects(bad), "suite s: feature F: ")
		assert.ErrorContains(t, CheckObjects(bad), want)
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
		"the infraState":              {suite.Infrastructure(errors.New("no pod")), report.Error},
		"a mismatch of infraState":    {suite.Infrastructure(mismatch), report.Error},
		"both":                        {errors.Join(mismatch, suite.Infrastructure(errors.New("no pod"))), report.Error},
		"a cancelled context":         {context.Canceled, report.Error},
		"a mismatch, while cancelled": {errors.Join(mismatch, context.Canceled), report.Error},
	} {
		assert.Equal(t, c.want, statusOf(c.err), name)
	}
	assert.NoError(t, suite.Infrastructure(nil))
	assert.ErrorIs(t, suite.Infrastructure(mismatch), mismatch)
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

func TestAPanicIsAnInfrastructureError(t *testing.T) {
	err := guarded(func() error { var m map[string]int; m["x"] = 1; return nil })
	assert.EqualError(t, err, "panic: assignment to entry in nil map")
	assert.Equal(t, report.Error, statusOf(err))
	var p *panicked
	require.ErrorAs(t, err, &p)
	assert.Contains(t, string(p.stack), "validate_test.go")
}

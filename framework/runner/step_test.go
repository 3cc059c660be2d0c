package runner

import (
	"context"
	"errors"
	"meshgate/framework/suite"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/report"
	"meshgate/framework/wait"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// prober answers with the statuses in turn, the last one for ever; 0 is a probe
// that could not look.
type prober struct {
	statuses []int
	asked    atomic.Int32
	last     probe.Request
}

func (p *prober) Do(_ context.Context, r probe.Request) probe.Observation {
	n := int(p.asked.Add(1))
	p.last = r
	o := probe.Observation{Request: probe.RequestSummary{Method: r.Method, URL: r.URL}, Status: p.statuses[min(n, len(p.statuses))-1]}
	if o.Status == 0 {
		o.Failure = &probe.Failure{Class: probe.ClassAgent, Message: "no agent"}
	}
	return o
}

// pretended is the host of an environment whose changes reach the proxies as arrive says;
// nil: nobody asks.
type pretended struct {
	nobody
	arrive func(context.Context, mesh.Wanted) error
}

func (p *pretended) programmed(ctx context.Context, w mesh.Wanted) error { return p.arrive(ctx, w) }

// facing is an environment whose mesh answers so.
func facing(t *testing.T, statuses ...int) (*environment, *prober) {
	t.Helper()
	ca, err := pki.NewCA("test")
	require.NoError(t, err)
	p := &prober{statuses: statuses}
	return &environment{
		mesh:   &mesh.Mesh{Ingress: mesh.Gateway{Name: "gw", Namespace: "istio-system", Host: "192.0.2.1", Ports: map[int]int{80: 30080, 443: 30443}}},
		budget: wait.Budget{Converged: 2 * time.Second, Settled: time.Second, Probe: 3 * time.Second}, ca: ca, outside: p,
		host: &pretended{}, watch: untilDeadline{}, named: map[string]probe.Observation{},
	}, p
}

func ok() suite.Exchange { return suite.Ask(probe.GET("http://h/x"), expect.Status(200)) }

func TestEventuallyPollsUntilTheAnswerIsRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, p := facing(t, 503, 503, 200)
		res, err := e.play(t.Context(), suite.Eventually("answers", ok()))
		require.NoError(t, err)
		assert.Equal(t, 3, res.attempts)
		assert.EqualValues(t, 3, p.asked.Load())
		assert.Equal(t, 200, res.seen.(probe.Observation).Status)
		assert.Zero(t, res.converged, "nothing had been changed")
	})
}

func TestEventuallyTellsHowLongAChangeTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := facing(t, 503, 503, 200)
		e.noteChange()
		res, err := e.play(t.Context(), suite.Eventually("answers", ok()))
		require.NoError(t, err)
		assert.Equal(t, 2*pollEvery, res.converged)
		res, err = e.play(t.Context(), suite.Eventually("answers again", ok()))
		require.NoError(t, err)
		assert.Zero(t, res.converged, "an earlier step has seen the change in effect")
	})
}

func TestEventuallyEndsWithItsBudgetAndTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := facing(t, 503)
		began := time.Now()
		res, err := e.play(t.Context(), suite.Eventually("answers", ok()))
		require.ErrorIs(t, err, wait.ErrExpired)
		assert.Equal(t, e.budget.Converged, time.Since(began))
		assert.Equal(t, report.Fail, statusOf(err), "what was seen is held against the mesh")
		assert.Equal(t, 503, res.seen.(probe.Observation).Status)
		assert.GreaterOrEqual(t, res.attempts, 10)
	})
}

func TestARefusalCountsOnlyOnceWhatWasChangedHasArrived(t *testing.T) {
	refused := suite.Ask(probe.GET("http://h/x"), expect.Status(404))
	changed := func(t *testing.T, arrive func(context.Context, mesh.Wanted) error, status int) error {
		e, _ := facing(t, status)
		e.host = &pretended{arrive: arrive}
		e.record(gateway("shop"), false)
		e.record(gateway("bank"), true)
		_, err := e.play(t.Context(), suite.Stay("stays refused", refused))
		return err
	}
	for name, c := range map[string]struct {
		arrives error
		status  int
		want    report.Status
	}{
		"refused, and it has arrived":     {nil, 404, report.Pass},
		"refused, and it may not have":    {errors.New("istiod is away"), 404, report.Error},
		"not refused, whether it has not": {errors.New("istiod is away"), 200, report.Fail},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := changed(t, func(_ context.Context, w mesh.Wanted) error {
					assert.Equal(t, []string{"shop"}, namesOf(w.Applied))
					assert.Equal(t, []string{"bank"}, namesOf(w.Deleted))
					return c.arrives
				}, c.status)
				assert.Equal(t, c.want, statusOf(err))
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		e, _ := facing(t, 404) // asks nobody whether it has arrived
		_, err := e.play(t.Context(), suite.Stay("stays refused", refused))
		require.NoError(t, err, "nothing was changed")
	})
}

// What is broken on purpose need not be waited for until the deadline, but nothing less
// than what Stay wants makes a kill.
func TestWhatIsForeseenIsWaitedForNoLongerThanItTakesToBeSure(t *testing.T) {
	inARow := func(got ...string) func(error) (report.Mismatch, bool) {
		n := -1
		return func(error) (report.Mismatch, bool) {
			n++
			g := got[min(n, len(got)-1)]
			return report.Mismatch{Field: "status", Want: "200", Got: g}, g != ""
		}
	}
	one, _ := facing(t, 503)
	sure, never := max(one.budget.Settled, one.budget.LogFlush), one.budget.Converged
	for name, c := range map[string]struct {
		expected func(error) (report.Mismatch, bool)
		arrives  error
		least    time.Duration
		most     time.Duration
	}{
		"nothing is broken":       {nil, nil, never, never},
		"it stays as foreseen":    {inARow("503"), nil, sure, sure + pollEvery},
		"something else is wrong": {inARow(""), nil, never, never},
		"something else at first": {inARow("", "", "503"), nil, sure + 2*pollEvery, sure + 3*pollEvery},
		"it changes":              {inARow("1", "2", "3", "3"), nil, sure + 2*pollEvery, sure + 4*pollEvery},
		"it may not have arrived": {inARow("503"), errors.New("istiod is away"), never, never},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := facing(t, 503)
				if c.expected != nil {
					e.watch = untilCertain{e, c.expected}
				}
				e.host = &pretended{arrive: func(context.Context, mesh.Wanted) error { return c.arrives }}
				e.record(gateway("shop"), false)
				began := time.Now()
				_, err := e.play(t.Context(), suite.Eventually("answers", ok()))
				assert.Equal(t, report.Fail, statusOf(err))
				assert.GreaterOrEqual(t, time.Since(began), c.least)
				assert.LessOrEqual(t, time.Since(began), c.most)
			})
		})
	}
}

func namesOf(objs []*unstructured.Unstructured) []string {
	var names []string
	for _, o := range objs {
		names = append(names, o.GetName())
	}
	return names
}

func TestEventuallyEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := facing(t, 503)
		why := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(300*time.Millisecond, func() { cancel(why) })
		began := time.Now()
		_, err := e.play(ctx, suite.Eventually("answers", ok()))
		require.ErrorIs(t, err, why)
		assert.Equal(t, 300*time.Millisecond, time.Since(began))
		assert.Equal(t, report.Error, statusOf(afterTheEnd(ctx, err)), "what was still converging is not held against the mesh")
	})
}

func TestEveryExchangeMustBeRightInTheSameRound(t *testing.T) {
	e, p := facing(t, 200)
	bad := suite.Ask(probe.GET("http://h/x"), expect.Status(404))
	_, err := e.play(t.Context(), suite.Now("both", ok(), bad))
	assert.ErrorContains(t, err, `status: want "404", got "200"`)
	assert.EqualValues(t, 2, p.asked.Load())
}

func TestNowAsksOnce(t *testing.T) {
	e, p := facing(t, 503, 200)
	res, err := e.play(t.Context(), suite.Now("answers", ok()))
	require.Error(t, err)
	assert.Equal(t, 1, res.attempts)
	assert.EqualValues(t, 1, p.asked.Load())
	assert.Equal(t, report.Fail, statusOf(err))
}

func TestStayLooksOverTheWholeWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, p := facing(t, 200)
		began := time.Now()
		res, err := e.play(t.Context(), suite.Stay("answers", ok()))
		require.NoError(t, err)
		assert.Equal(t, e.budget.Settled, time.Since(began))
		assert.EqualValues(t, p.asked.Load(), res.attempts)
		assert.GreaterOrEqual(t, res.attempts, int(e.budget.Settled/sampleEvery))

		e, p = facing(t, 200, 200, 503, 200)
		_, err = e.play(t.Context(), suite.Stay("answers", ok()))
		require.ErrorIs(t, err, wait.ErrBroken)
		assert.Equal(t, report.Fail, statusOf(err))
		assert.EqualValues(t, 3, p.asked.Load(), "the first wrong answer ends it")
	})
}

func TestAControlPollsAndIsNoAssertion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := facing(t, 503, 200)
		s := suite.Control("reachable", ok())
		_, err := e.play(t.Context(), s)
		require.NoError(t, err)
		assert.Equal(t, report.Control, s.Kind)
	})
}

func TestAProbeThatCannotLookEndsTheStepAndIsNoAnswer(t *testing.T) {
	e, p := facing(t, 0)
	_, err := e.play(t.Context(), suite.Eventually("answers", ok()))
	assert.ErrorContains(t, err, "the probe could not look: agent: no agent")
	assert.Equal(t, report.Error, statusOf(err))
	assert.EqualValues(t, 1, p.asked.Load())
}

func TestAStepThatAsksOrChecksNothingIsAnError(t *testing.T) {
	e, _ := facing(t, 200)
	_, err := e.play(t.Context(), suite.Now("nothing asked"))
	require.ErrorContains(t, err, "asks nothing")
	_, err = e.play(t.Context(), suite.Now("nothing checked", suite.Ask(probe.GET("http://h/x"))))
	require.ErrorContains(t, err, "no check")
}

func TestRequestsGoThroughTheIngressGatewayAndAreRemembered(t *testing.T) {
	e, p := facing(t, 200)
	for url, connect := range map[string]string{"http://h/x": "192.0.2.1:30080", "https://h/x": "192.0.2.1:30443", "https://h:80/x": "192.0.2.1:30080"} {
		o := e.Ask(t.Context(), probe.GET(url))
		require.Nil(t, o.Failure)
		assert.Equal(t, connect, p.last.Connect, url)
		assert.Equal(t, e.ca.PEM(), p.last.TLS.RootsPEM)
		assert.Equal(t, e.budget.Probe, p.last.Timeout)
	}
	assert.Len(t, e.Seen(), 3)
	o := e.Ask(t.Context(), probe.GET("http://h:81/x"))
	require.NotNil(t, o.Failure)
	assert.Equal(t, probe.ClassRequest, o.Failure.Class)
	assert.Contains(t, o.Failure.Message, "want port 81, its Service has 80, 443")
	assert.Len(t, e.Seen(), 3, "what was never asked need not be in any log")
}

func TestConditionsOfASuiteItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := facing(t, 200)
		n := 0
		third := func(context.Context, *environment) error {
			if n++; n < 3 {
				return &expect.Mismatch{Field: "log", Want: "a line", Got: "none"}
			}
			return nil
		}
		_, err := e.play(t.Context(), holds("logged", third))
		require.Error(t, err, "at the first attempt")
		_, err = e.play(t.Context(), suite.Eventually("logged", that(third)))
		require.NoError(t, err)
		_, err = e.play(t.Context(), suite.Stay("logged", that(third)))
		require.NoError(t, err)
		n = 0
		_, err = e.play(t.Context(), suite.Stay("logged", that(third)))
		require.ErrorIs(t, err, wait.ErrBroken)
		assert.Equal(t, report.Action, does("act", third).Kind)
		for _, s := range []suite.Step{holds("x", third), suite.Eventually("x", that(third)), suite.Stay("x", that(third))} {
			assert.Equal(t, report.Assertion, s.Kind)
		}
	})
}

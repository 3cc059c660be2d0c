package suite

import (
	"context"
	"errors"
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

// facing is an Env whose mesh answers so.
func facing(t *testing.T, statuses ...int) (*Env, *prober) {
	t.Helper()
	ca, err := pki.NewCA("test")
	require.NoError(t, err)
	p := &prober{statuses: statuses}
	return &Env{
		Mesh:   &mesh.Mesh{Ingress: mesh.Gateway{Name: "gw", Namespace: "istio-system", Host: "192.0.2.1", Ports: map[int]int{80: 30080, 443: 30443}}},
		Budget: wait.Budget{Converged: 2 * time.Second, Settled: time.Second, Probe: 3 * time.Second}, CA: ca, outside: p,
	}, p
}

func ok() Exchange { return Ask(probe.GET("http://h/x"), expect.Status(200)) }

func TestEventuallyPollsUntilTheAnswerIsRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, p := facing(t, 503, 503, 200)
		res, err := Eventually("answers", ok()).run(t.Context(), e)
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
		e.Changed()
		res, err := Eventually("answers", ok()).run(t.Context(), e)
		require.NoError(t, err)
		assert.Equal(t, 2*pollEvery, res.converged)
		res, err = Eventually("answers again", ok()).run(t.Context(), e)
		require.NoError(t, err)
		assert.Zero(t, res.converged, "an earlier step has seen the change in effect")
	})
}

func TestEventuallyEndsWithItsBudgetAndTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := facing(t, 503)
		began := time.Now()
		res, err := Eventually("answers", ok()).run(t.Context(), e)
		require.ErrorIs(t, err, wait.ErrExpired)
		assert.Equal(t, e.Budget.Converged, time.Since(began))
		assert.Equal(t, report.Fail, statusOf(err), "what was seen is held against the mesh")
		assert.Equal(t, 503, res.seen.(probe.Observation).Status)
		assert.GreaterOrEqual(t, res.attempts, int(e.Budget.Converged/pollEvery))
	})
}

func TestEventuallyEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := facing(t, 503)
		why := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(300*time.Millisecond, func() { cancel(why) })
		began := time.Now()
		_, err := Eventually("answers", ok()).run(ctx, e)
		require.ErrorIs(t, err, why)
		assert.Equal(t, 300*time.Millisecond, time.Since(began))
		assert.Equal(t, report.Error, statusOf(afterTheEnd(ctx, err)), "what was still converging is not held against the mesh")
	})
}

func TestEveryExchangeMustBeRightInTheSameRound(t *testing.T) {
	e, p := facing(t, 200)
	bad := Ask(probe.GET("http://h/x"), expect.Status(404))
	_, err := Now("both", ok(), bad).run(t.Context(), e)
	assert.ErrorContains(t, err, `status: want "404", got "200"`)
	assert.EqualValues(t, 2, p.asked.Load())
}

func TestNowAsksOnce(t *testing.T) {
	e, p := facing(t, 503, 200)
	res, err := Now("answers", ok()).run(t.Context(), e)
	require.Error(t, err)
	assert.Equal(t, 1, res.attempts)
	assert.EqualValues(t, 1, p.asked.Load())
	assert.Equal(t, report.Fail, statusOf(err))
}

func TestStayLooksOverTheWholeWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, p := facing(t, 200)
		began := time.Now()
		res, err := Stay("answers", ok()).run(t.Context(), e)
		require.NoError(t, err)
		assert.Equal(t, e.Budget.Settled, time.Since(began))
		assert.EqualValues(t, p.asked.Load(), res.attempts)
		assert.GreaterOrEqual(t, res.attempts, int(e.Budget.Settled/sampleEvery))

		e, p = facing(t, 200, 200, 503, 200)
		_, err = Stay("answers", ok()).run(t.Context(), e)
		require.ErrorIs(t, err, wait.ErrBroken)
		assert.Equal(t, report.Fail, statusOf(err))
		assert.EqualValues(t, 3, p.asked.Load(), "the first wrong answer ends it")
	})
}

func TestAControlPollsAndIsNoAssertion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := facing(t, 503, 200)
		s := Control("reachable", ok())
		_, err := s.run(t.Context(), e)
		require.NoError(t, err)
		assert.Equal(t, report.Control, s.kind)
		assert.Equal(t, "control: reachable", s.Describe())
	})
}

func TestAProbeThatCannotLookEndsTheStepAndIsNoAnswer(t *testing.T) {
	e, p := facing(t, 0)
	_, err := Eventually("answers", ok()).run(t.Context(), e)
	assert.ErrorContains(t, err, "the probe could not look: agent: no agent")
	assert.Equal(t, report.Error, statusOf(err))
	assert.EqualValues(t, 1, p.asked.Load())
}

func TestAStepThatAsksOrChecksNothingIsAnError(t *testing.T) {
	e, _ := facing(t, 200)
	_, err := Now("nothing asked").run(t.Context(), e)
	require.ErrorContains(t, err, "asks nothing")
	_, err = Now("nothing checked", Ask(probe.GET("http://h/x"))).run(t.Context(), e)
	require.ErrorContains(t, err, "no check")
}

func TestRequestsGoThroughTheIngressGatewayAndAreRemembered(t *testing.T) {
	e, p := facing(t, 200)
	for url, connect := range map[string]string{"http://h/x": "192.0.2.1:30080", "https://h/x": "192.0.2.1:30443", "https://h:80/x": "192.0.2.1:30080"} {
		o := e.Ask(t.Context(), probe.GET(url))
		require.Nil(t, o.Failure)
		assert.Equal(t, connect, p.last.Connect, url)
		assert.Equal(t, e.CA.PEM(), p.last.TLS.RootsPEM)
		assert.Equal(t, e.Budget.Probe, p.last.Timeout)
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
		third := func(context.Context, *Env) error {
			if n++; n < 3 {
				return &expect.Mismatch{Field: "log", Want: "a line", Got: "none"}
			}
			return nil
		}
		_, err := Holds("logged", third).run(t.Context(), e)
		require.Error(t, err, "at the first attempt")
		_, err = Becomes("logged", third).run(t.Context(), e)
		require.NoError(t, err)
		_, err = Stays("logged", third).run(t.Context(), e)
		require.NoError(t, err)
		n = 0
		_, err = Stays("logged", third).run(t.Context(), e)
		require.ErrorIs(t, err, wait.ErrBroken)
		assert.Equal(t, report.Given, Do("act", third).kind)
		assert.Equal(t, "*act*", Do("act", third).Describe())
		for _, s := range []Step{Holds("x", third), Becomes("x", third), Stays("x", third)} {
			assert.Equal(t, report.Then, s.kind)
		}
	})
}

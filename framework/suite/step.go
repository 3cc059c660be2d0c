package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/report"
	"meshgate/framework/wait"
)

type kind = report.Kind

const (
	assertion = report.Then
	control   = report.Control
	action    = report.Given
)

// result is what a step has to tell besides its error.
type result struct {
	attempts  int
	converged time.Duration // since the configuration last changed; 0 if nothing had
	seen      any           // the last observation, for the report
}

// Intervals at which conditions are looked at. They are sampling rates, not limits.
const (
	pollEvery   = 200 * time.Millisecond
	sampleEvery = 500 * time.Millisecond
)

// minAttempts is how often a condition is checked before its deadline may count against the
// mesh: one slow attempt on a busy machine proves little.
const minAttempts = 5

// Exchange is a request and what its answer must be.
type Exchange struct {
	Request probe.Request
	Checks  []expect.Check
	// credential names the certificate that the server must present; which one that
	// is becomes known when the step runs.
	credential string
	gateway    string                          // asked through this one; empty: the shared ingress gateway
	from       struct{ namespace, app string } // asked from there; empty: from outside
	// request makes Request when the step runs, for what is not known before.
	request func(*Env) probe.Request
}

// Presents also asserts that the server presents exactly the certificate that was
// last issued under this name, and that its chain verifies for the host asked.
func (x Exchange) Presents(credential string) Exchange {
	x.credential = credential
	return x
}

// Through asks from outside through a gateway of Suite.Gateways.
func (x Exchange) Through(gateway string) Exchange {
	x.gateway = gateway
	return x
}

// From asks from the agent's container in the first pod of an application; the
// namespace is readable.
func (x Exchange) From(namespace, app string) Exchange {
	x.from.namespace, x.from.app = namespace, app
	return x
}

// asked is the request, once it can be known.
func (x Exchange) asked(e *Env) probe.Request {
	if x.request != nil {
		return x.request(e)
	}
	return x.Request
}

// make asks.
func (x Exchange) make(ctx context.Context, e *Env) probe.Observation {
	r := x.asked(e)
	switch {
	case x.from.app != "":
		return e.AskFrom(ctx, x.from.namespace, x.from.app, r)
	case x.gateway != "":
		return e.AskThrough(ctx, x.gateway, r)
	}
	return e.Ask(ctx, r)
}

// judge checks an answer.
func (x Exchange) judge(e *Env, o probe.Observation) error {
	checks := x.Checks
	if x.credential != "" {
		checks = append(slices.Clone(checks), expect.PeerIs(e.Certificate(x.credential)))
	}
	return expect.All(checks...)(o)
}

// Ask pairs a request with the checks of its answer.
func Ask(r probe.Request, checks ...expect.Check) Exchange {
	return Exchange{Request: r, Checks: checks}
}

// AskLate is Ask with a request that is made when the step runs, with what only the run
// knows: addresses, passwords.
func AskLate(r func(*Env) probe.Request, checks ...expect.Check) Exchange {
	return Exchange{request: r, Checks: checks}
}

// Eventually asserts that the answer is right before the budget Converged is spent:
// configuration that was just applied takes effect. Every exchange must be right in
// the same round.
func Eventually(name string, exchanges ...Exchange) Step {
	return Step{Name: name, kind: assertion, exchanges: exchanges, run: func(ctx context.Context, e *Env) (result, error) {
		return converge(ctx, e, name, exchanges)
	}}
}

// Control is Eventually as the positive control of the refusals that follow it:
// the same client reaches the same target in the allowed state.
func Control(name string, exchanges ...Exchange) Step {
	s := Eventually(name, exchanges...)
	s.kind = control
	return s
}

// Needing skips a step, and only it, where the capability is absent.
func Needing(c mesh.Capability, s Step) Step {
	s.needs = c
	return s
}

// Now asserts that the answer is right at the first attempt. It belongs after a
// step that has seen the configuration in effect.
func Now(name string, exchanges ...Exchange) Step {
	return Step{Name: name, kind: assertion, exchanges: exchanges, run: func(ctx context.Context, e *Env) (result, error) {
		seen, err := round(ctx, e, exchanges)
		return result{attempts: 1, seen: seen}, err
	}}
}

// Stay asserts that the answer is right at every look over the window Settled, which
// begins when all that the feature has changed is on the proxies.
func Stay(name string, exchanges ...Exchange) Step {
	return Step{Name: name, kind: assertion, exchanges: exchanges, run: func(ctx context.Context, e *Env) (result, error) {
		var seen any
		late := e.Arrived(ctx)
		out, err := e.throughout(ctx, name, func(ctx context.Context) (err error) {
			seen, err = round(ctx, e, exchanges)
			return err
		})
		if err == nil {
			err = late // what is wrong is wrong already; what is right may not have come
		}
		return result{attempts: out.Attempts, seen: seen}, err
	}}
}

// Do is an action that the next assertions are about, such as replacing a secret.
func Do(name string, f func(context.Context, *Env) error) Step {
	return Step{Name: name, kind: action, run: func(ctx context.Context, e *Env) (result, error) {
		return result{attempts: 1}, f(ctx, e)
	}}
}

// Arrives waits, before steps that may look only once or too early, until all that the
// feature has changed is on the proxies.
func Arrives() Step {
	return Do("what is given is on the proxies", func(ctx context.Context, e *Env) error { return e.Arrived(ctx) })
}

// Holds asserts a condition that the suite evaluates itself, at the first attempt.
func Holds(name string, f func(context.Context, *Env) error) Step {
	s := Do(name, f)
	s.kind = assertion
	return s
}

// Becomes asserts such a condition before the budget Converged is spent.
func Becomes(name string, f func(context.Context, *Env) error) Step {
	return Step{Name: name, kind: assertion, run: func(ctx context.Context, e *Env) (result, error) {
		return e.until(ctx, wait.Deadline{Name: name, Within: e.Budget.Converged}, f)
	}}
}

// Stays asserts such a condition at every look over the window Settled.
func Stays(name string, f func(context.Context, *Env) error) Step {
	return Step{Name: name, kind: assertion, run: func(ctx context.Context, e *Env) (result, error) {
		out, err := e.throughout(ctx, name, func(ctx context.Context) error { return f(ctx, e) })
		return result{attempts: out.Attempts}, err
	}}
}

// Await waits within a step until a condition is met, before the budget Converged is spent.
func (e *Env) Await(ctx context.Context, name string, f func(context.Context) error) error {
	_, err := wait.Until(ctx, wait.Deadline{Name: name, Within: e.Budget.Converged, MinAttempts: minAttempts}, pollEvery, e.shortened(f))
	return err
}

// shortened ends the wait for what is broken on purpose, and cannot be met: all that the
// feature has changed is on the proxies, and the declared mismatch has stayed since as long
// as a log takes to be written and as Stay takes for granted. Without anything broken the
// condition is as it was.
func (e *Env) shortened(f wait.Condition) wait.Condition {
	if e.foreseen == nil {
		return f
	}
	var since time.Time
	var before report.Mismatch
	return func(ctx context.Context) error {
		err := f(ctx)
		m, foreseen := e.foreseen(err)
		switch {
		case !foreseen || moving(before, m):
			since = time.Time{}
		case !since.IsZero() && time.Since(since) >= max(e.Budget.Settled, e.Budget.LogFlush):
			return wait.Final(err)
		case since.IsZero() && e.Arrived(ctx) == nil:
			since = time.Now()
		}
		before = m
		return err
	}
}

// moving tells of two numbers seen in turn whether they differ: they may come to be right.
func moving(before, now report.Mismatch) bool {
	a, err := strconv.Atoi(before.Got)
	b, err2 := strconv.Atoi(now.Got)
	return err == nil && err2 == nil && a != b
}

func (e *Env) throughout(ctx context.Context, name string, f func(context.Context) error) (wait.Outcome, error) {
	return wait.Throughout(ctx, wait.Deadline{Name: name, Within: e.Budget.Settled}, sampleEvery, e.Budget.Converged, f)
}

func converge(ctx context.Context, e *Env, name string, exchanges []Exchange) (result, error) {
	var seen any
	res, err := e.until(ctx, wait.Deadline{Name: name, Within: e.Budget.Converged}, func(ctx context.Context, e *Env) error {
		now, err := round(ctx, e, exchanges)
		if ctx.Err() == nil || err == nil {
			seen = now
		}
		return err
	})
	res.seen = seen
	return res, err
}

// until polls a condition and relates the moment it was met to the last change of
// configuration that no earlier step has seen in effect.
func (e *Env) until(ctx context.Context, d wait.Deadline, f func(context.Context, *Env) error) (result, error) {
	began := time.Now()
	d.MinAttempts = minAttempts
	out, err := wait.Until(ctx, d, pollEvery, e.shortened(func(ctx context.Context) error { return whole(ctx, f(ctx, e)) }))
	res := result{attempts: out.Attempts}
	if at := e.takeChange(); err == nil && !at.IsZero() {
		res.converged = began.Add(out.ConvergedAfter).Sub(at)
	}
	return res, err
}

// whole drops what a look says that the budget cut short: what the one before saw
// counts, whoever was being asked at that moment.
func whole(ctx context.Context, err error) error {
	if cut := ctx.Err(); err != nil && cut != nil {
		return cut
	}
	return err
}

// round makes every exchange once, side by side when there are several, and
// returns the first observation that was wrong with what was wrong about it.
func round(ctx context.Context, e *Env, exchanges []Exchange) (any, error) {
	if len(exchanges) == 0 {
		return nil, errors.New("the step asks nothing")
	}
	seen := make([]probe.Observation, len(exchanges))
	done := make(chan int)
	for i, x := range exchanges {
		go func() {
			seen[i] = x.make(ctx, e)
			done <- i
		}()
	}
	for range exchanges {
		<-done
	}
	for i, x := range exchanges {
		if err := unusable(seen[i]); err != nil {
			return seen[i], err
		}
		if err := x.judge(e, seen[i]); err != nil {
			return seen[i], err
		}
	}
	return seen[len(seen)-1], nil
}

// unusable tells a probe that could not look from one that saw something bad.
func unusable(o probe.Observation) error {
	if o.Failure == nil || (o.Failure.Class != probe.ClassAgent && o.Failure.Class != probe.ClassRequest && o.Failure.Class != probe.ClassCancelled) {
		return nil
	}
	return wait.Final(Broken(fmt.Errorf("the probe could not look: %s: %s", o.Failure.Class, o.Failure.Message)))
}

func observationJSON(seen any) json.RawMessage {
	if seen == nil {
		return nil
	}
	raw, err := json.Marshal(seen)
	if err != nil {
		raw, _ = json.Marshal(err.Error())
	}
	return raw
}

// Describe is the step in a line, for the suite's README.
func (s Step) Describe() string {
	switch s.kind {
	case control:
		return "control: " + s.Name
	case action:
		return "*" + s.Name + "*"
	default:
		return s.Name
	}
}

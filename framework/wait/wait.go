// Package wait is the only place of the project where time passes on purpose.
// It polls a condition until it is met, checks that it stays met, or asks for
// several spaced successes in a row; each against a deadline that has a name.
//
// Nothing here judges what a condition means: a condition is a function that
// returns nil when it is met and otherwise an error that says what is still wrong.
package wait

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Condition reports nil when it is met and otherwise what is still missing.
// It must return soon after its context ends.
type Condition = func(context.Context) error

// Until polls cond, first at once and then every interval after the previous
// attempt ended, until it is met. What takes long is looked at less often: the interval
// grows to a tenth of the time that has passed, and to a second at the most; the last look
// is one short interval before the deadline. The context of each attempt is limited to
// what remains of the deadline, but for the looks that the deadline grants at the least.
//
// The error is an *Error: it wraps ErrExpired and the last cause when the budget
// is spent, the cause of ctx when that ended first, or the cause given to Final.
// The outcome is filled in either case.
func Until(ctx context.Context, d Deadline, every time.Duration, cond Condition) (Outcome, error) {
	return Converge(ctx, d, every, 1, cond)
}

// Converge is Until for a condition that must be met inARow times without a
// failure between. Successes are spaced by the interval, never fired in a burst.
// A failure after a success starts the count again and is counted in
// Outcome.Resets; Outcome.ConvergedAfter says when the final row began.
func Converge(ctx context.Context, d Deadline, every time.Duration, inARow int, cond Condition) (Outcome, error) {
	if err := feasible(d, every, inARow); err != nil {
		return Outcome{}, err
	}
	p := begin(ctx, d)
	defer p.stop()
	for row := 0; ; {
		err := p.look(cond)
		switch {
		case isFinal(err):
			return p.end(err)
		case p.over() && (err != nil || !p.graced()):
			return p.end(late(err))
		case err != nil:
			row = p.reset(row)
		default:
			if row++; p.met(row) >= inARow {
				return p.end(nil)
			}
		}
		gap := every
		if row == 0 {
			gap = p.gap(every)
		}
		if pause(p.ctx, gap) != nil || p.over() {
			return p.end(ErrExpired)
		}
	}
}

// seldom is the longest that the interval grows to.
const seldom = time.Second

// gap is the time to the next look at what is not met.
func (p *poll) gap(every time.Duration) time.Duration {
	elapsed := time.Since(p.start)
	return max(every, min(elapsed/10, seldom, p.within()-elapsed-every))
}

// Throughout checks that cond, sampled at once, then every interval, and at the
// very end of the window, is met each time. The first failure ends it. A sample
// that begins inside the window may finish after it: its context is limited by hang,
// so that one that hangs is a failure and not one that was never seen, while on a
// slow machine a sample may take longer than the window.
//
// The error is an *Error that says how far into the window the condition held.
func Throughout(ctx context.Context, window Deadline, every, hang time.Duration, cond Condition) (Outcome, error) {
	if err := feasible(window, every, 2); err != nil {
		return Outcome{}, err
	}
	p := begin(ctx, window)
	defer p.stop()
	for {
		remains := time.Until(p.start.Add(window.Within))
		if err := p.sample(ctx, hang, cond); err != nil {
			return p.end(ErrBroken)
		}
		if remains <= 0 {
			return p.end(nil)
		}
		if err := pause(ctx, min(every, max(0, time.Until(p.start.Add(window.Within))))); err != nil {
			return p.end(err)
		}
	}
}

// feasible refuses a wait that could never succeed or would prove nothing.
func feasible(d Deadline, every time.Duration, times int) error {
	need := time.Duration(max(0, times-1)) * every
	switch {
	case d.Name == "":
		return fmt.Errorf("wait: the deadline has no name: say what is waited for")
	case d.Within <= 0:
		return fmt.Errorf("wait: %s: the budget is %s: it must be positive", d.Name, d.Within)
	case every <= 0:
		return fmt.Errorf("wait: %s: the interval is %s: it must be positive", d.Name, every)
	case times < 1:
		return fmt.Errorf("wait: %s: %d successes are asked for: at least 1", d.Name, times)
	case need >= d.Within && times > 1:
		return fmt.Errorf("wait: %s: %d looks every %s take %s, and the budget is %s",
			d.Name, times, every, need, d.Within)
	}
	return nil
}

// pause lets the interval pass, or returns the cause of ctx when that ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// late is why a wait whose deadline passed during an attempt failed.
func late(attempt error) error {
	if attempt == nil {
		return errors.Join(ErrExpired, errLate)
	}
	return ErrExpired
}

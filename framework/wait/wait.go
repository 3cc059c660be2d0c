// Package wait is the only package of the project that waits on purpose. It polls a
// condition until it is met, checks that it stays met, or requires several spaced
// successes in a row; each against a deadline that has a name.
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

// Until polls cond, first at once and then every interval after the previous attempt
// ended, until it is met. In a long wait it polls less often: the interval grows to a
// tenth of the elapsed time, and to one second at most; the last attempt begins one short
// interval before the deadline. The context of each attempt ends with the deadline,
// except for the first Deadline.MinAttempts attempts.
//
// The error is an *Error: it wraps ErrExpired and the last cause when the deadline
// has passed, the cause of ctx when ctx ended first, or the cause marked with Final.
// The outcome is filled in either case.
func Until(ctx context.Context, d Deadline, every time.Duration, cond Condition) (Outcome, error) {
	return Converge(ctx, d, every, 1, cond)
}

// Converge works like Until, but the condition must be met inARow times without a
// failure in between. The successes are spaced by the interval, never fired in a burst.
// A failure after a success starts the count again and is counted in
// Outcome.Resets; Outcome.ConvergedAfter says when the final row began.
func Converge(ctx context.Context, d Deadline, every time.Duration, inARow int, cond Condition) (Outcome, error) {
	if err := feasible(d, every, inARow); err != nil {
		return Outcome{}, err
	}
	p := begin(ctx, d)
	defer p.stop()
	for row := 0; ; {
		err := p.try(cond)
		switch {
		case isFinal(err):
			return p.end(err)
		case p.over() && (err != nil || !p.guaranteed()):
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

// maxGap is the longest that the interval grows to.
const maxGap = time.Second

// gap is the pause before the next attempt at a condition that is not met yet.
func (p *poll) gap(every time.Duration) time.Duration {
	elapsed := time.Since(p.start)
	return max(every, min(elapsed/10, maxGap, p.within()-elapsed-every))
}

// Throughout checks that cond is met each time it is sampled: at once, then every
// interval, and at the very end of the window. The first failure ends it. A sample that
// begins inside the window may finish after it, because on a slow machine one sample may
// take longer than the whole window; after hang the sample's context ends, so that a
// sample that hangs counts as a failure.
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
		return fmt.Errorf("wait: %s: successes in a row: want at least 1, got %d", d.Name, times)
	case need >= d.Within && times > 1:
		return fmt.Errorf("wait: %s: %d attempts every %s need %s, but the budget is only %s",
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

// late returns the reason why a wait failed whose deadline passed during an attempt.
func late(attempt error) error {
	if attempt == nil {
		return errors.Join(ErrExpired, errLate)
	}
	return ErrExpired
}

package wait

import (
	"context"
	"errors"
	"time"
)

// maxCauses bounds what one wait remembers: a report shows the course of a wait,
// not every one of a thousand polls.
const maxCauses = 16

// Outcome is what waiting cost, for the report: retries are data, never hidden.
type Outcome struct {
	// Took is the whole wait, from the first attempt's start.
	Took time.Duration
	// Attempts counts the calls of the condition.
	Attempts int
	// Resets counts the failures that broke a row of successes.
	Resets int
	// ConvergedAfter is when the row of successes that ended the wait began:
	// Took without the time spent on confirming.
	ConvergedAfter time.Duration
	// CutShort says that the last attempt was ended by the deadline.
	CutShort bool
	// Causes are the failures on the way, equal neighbours counted together; of
	// more than 16 changes the latest is kept in place of the one before.
	Causes []Cause
}

// Cause is one reason why the condition was not met, for a stretch of attempts.
type Cause struct {
	Text        string
	Times       int
	First, Last time.Duration // since the start of the wait
}

// poll is one wait under way.
type poll struct {
	deadline Deadline
	caller   context.Context
	ctx      context.Context
	stop     context.CancelFunc
	start    time.Time
	limit    time.Duration     // the deadline's, stretched once it has passed
	efforts  map[string]effort // when it began
	out      Outcome
	last     error
}

func begin(ctx context.Context, d Deadline) *poll {
	p := &poll{deadline: d, caller: ctx, start: time.Now(), limit: d.Within}
	if d.Looks > 1 {
		p.efforts = efforts()
	}
	p.ctx, p.stop = context.WithDeadline(ctx, p.start.Add(d.hard()))
	return p
}

// look is an attempt that ends with the deadline, unless it is one of those that are
// granted.
func (p *poll) look(cond Condition) error {
	if p.out.Attempts < p.deadline.Looks {
		return p.attempt(p.ctx, cond)
	}
	ctx, stop := context.WithDeadline(p.ctx, p.start.Add(p.within()))
	defer stop()
	return p.attempt(ctx, cond)
}

// graced tells whether the last look was one of those that are granted.
func (p *poll) graced() bool { return p.out.Attempts <= p.deadline.Looks && p.ctx.Err() == nil }

// attempt calls the condition once and remembers what it said. An attempt that
// was only cut short tells nothing, so that the cause before it is kept.
func (p *poll) attempt(ctx context.Context, cond Condition) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.out.Attempts++
	err := cond(ctx)
	if err == nil {
		return nil
	}
	if p.out.CutShort = cutShort(ctx, err); !p.out.CutShort || p.last == nil {
		p.last = err
		p.out.note(err.Error(), time.Since(p.start))
	}
	return err
}

// sample is attempt with a context that may outlive the window, see Throughout.
func (p *poll) sample(ctx context.Context, hang time.Duration, cond Condition) error {
	limited, stop := context.WithTimeout(ctx, hang)
	defer stop()
	return p.attempt(limited, cond)
}

// over reports whether the deadline, or the caller's context, has passed.
func (p *poll) over() bool {
	return p.ctx.Err() != nil || time.Since(p.start) >= p.within() && p.out.Attempts >= p.deadline.Looks
}

// within is how long it may take. A machine that had no time for us had none for what we
// look at.
func (p *poll) within() time.Duration {
	if elapsed := time.Since(p.start); p.deadline.Looks > 1 && elapsed >= p.limit {
		p.limit = max(p.limit, p.deadline.stretched(strain(p.efforts, efforts(), elapsed)))
	}
	return p.limit
}

// met notes the first success of a row, and returns the row's length.
func (p *poll) met(row int) int {
	if row == 1 {
		p.out.ConvergedAfter = time.Since(p.start)
	}
	return row
}

// reset starts the row again, and counts it when there was one.
func (p *poll) reset(row int) int {
	if row > 0 {
		p.out.Resets++
		p.out.ConvergedAfter = 0
	}
	return 0
}

// end closes the wait. The caller's own context goes before every other reason;
// a final cause is its own reason.
func (p *poll) end(why error) (Outcome, error) {
	p.out.Took = time.Since(p.start)
	if why == nil {
		return p.out, nil
	}
	e := &Error{Deadline: p.deadline, Ended: why, Last: p.last}
	if isFinal(why) {
		e.Ended = nil
	} else if p.caller.Err() != nil {
		e.Ended = context.Cause(p.caller)
	}
	if errors.Is(e.Last, e.Ended) && e.Ended != nil {
		e.Last = nil
	}
	p.out.ConvergedAfter = 0
	e.Outcome = p.out
	return p.out, e
}

// note adds a cause to the course of the wait.
func (o *Outcome) note(text string, at time.Duration) {
	n := len(o.Causes)
	if n > 0 && o.Causes[n-1].Text == text {
		o.Causes[n-1].Times++
		o.Causes[n-1].Last = at
		return
	}
	c := Cause{Text: text, Times: 1, First: at, Last: at}
	if n == maxCauses {
		o.Causes[n-1] = c
		return
	}
	o.Causes = append(o.Causes, c)
}

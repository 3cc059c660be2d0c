package wait

import (
	"context"
	"errors"
	"time"
)

// maxCauses bounds how many causes one wait remembers: a report shows the course of
// a wait, not each of a thousand polls.
const maxCauses = 16

// Outcome describes a finished wait for the report: retries are data, never hidden.
type Outcome struct {
	// Took is the whole wait, from the first attempt's start.
	Took time.Duration
	// Attempts counts the calls of the condition.
	Attempts int
	// Resets counts the failures that interrupted a row of successes.
	Resets int
	// ConvergedAfter is the time from the start of the wait to the first success of
	// the final row: Took without the time spent on confirming that success.
	ConvergedAfter time.Duration
	// CutShort says that the last attempt was ended by the deadline.
	CutShort bool
	// Causes are the failures in order; consecutive equal ones are counted together.
	// Only 16 are kept: after that the latest replaces the last.
	Causes []Cause
}

// Cause is one reason why the condition was not met, in one or more consecutive attempts.
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
	limit    time.Duration       // the deadline's limit, extended when it passes under CPU pressure
	cpu      map[string]cpuUsage // by thread, at the start of the wait
	out      Outcome
	last     error
}

func begin(ctx context.Context, d Deadline) *poll {
	p := &poll{deadline: d, caller: ctx, start: time.Now(), limit: d.Within}
	if d.MinAttempts > 1 {
		p.cpu = threadUsage()
	}
	p.ctx, p.stop = context.WithDeadline(ctx, p.start.Add(d.hard()))
	return p
}

// try makes one attempt whose context ends with the deadline. The first MinAttempts
// attempts may go on until the hard limit.
func (p *poll) try(cond Condition) error {
	if p.out.Attempts < p.deadline.MinAttempts {
		return p.attempt(p.ctx, cond)
	}
	ctx, stop := context.WithDeadline(p.ctx, p.start.Add(p.within()))
	defer stop()
	return p.attempt(ctx, cond)
}

// guaranteed reports whether the last attempt was one of the first MinAttempts: its
// success counts even after the deadline.
func (p *poll) guaranteed() bool {
	return p.out.Attempts <= p.deadline.MinAttempts && p.ctx.Err() == nil
}

// attempt calls the condition once and remembers its error. An error that only says
// that the deadline ended the attempt does not replace the cause before it.
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

// sample makes one attempt with a context that may outlive the window, see Throughout.
func (p *poll) sample(ctx context.Context, hang time.Duration, cond Condition) error {
	limited, stop := context.WithTimeout(ctx, hang)
	defer stop()
	return p.attempt(limited, cond)
}

// over reports whether the deadline, or the caller's context, has passed.
func (p *poll) over() bool {
	return p.ctx.Err() != nil || time.Since(p.start) >= p.within() && p.out.Attempts >= p.deadline.MinAttempts
}

// within is the present limit of the wait. It is extended under CPU pressure, because
// the mesh that the condition observes runs on the same busy machine.
func (p *poll) within() time.Duration {
	if elapsed := time.Since(p.start); p.deadline.MinAttempts > 1 && elapsed >= p.limit {
		p.limit = max(p.limit, p.deadline.extended(cpuPressure(p.cpu, threadUsage(), elapsed)))
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

// end closes the wait. When the caller's own context has ended, its cause is reported
// before every other reason; a final cause needs no further reason.
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

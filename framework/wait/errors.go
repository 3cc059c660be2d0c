package wait

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrExpired is wrapped by the error of a wait whose budget was spent.
var ErrExpired = errors.New("not met in time")

// ErrBroken is wrapped by the error of Throughout when a sample failed.
var ErrBroken = errors.New("did not hold")

var errLate = errors.New("met, but only after the deadline")

// Error says that a wait failed: which deadline, after how many attempts, why it
// ended, and the last cause that did not come merely from the deadline's own end.
type Error struct {
	Deadline Deadline
	Outcome  Outcome
	// Ended is why waiting stopped: ErrExpired, ErrBroken, the cause of the
	// caller's context, or nil when the condition was Final.
	Ended error
	// Last is the last cause the condition gave, or nil when it gave none.
	Last error
}

// Error reads, for example: `gateway programmed: not met in time: 12 attempts in
// 30s of 30s: last: 1 of 3 proxies SYNCED`.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Deadline.Name)
	if e.Ended != nil {
		fmt.Fprintf(&b, ": %s", strings.ReplaceAll(e.Ended.Error(), "\n", ": "))
	} else {
		b.WriteString(": cannot be met any more")
	}
	fmt.Fprintf(&b, ": %s in %s of %s", count(e.Outcome.Attempts, "attempt"), round(e.Outcome.Took), e.Deadline.Within)
	if e.Outcome.Resets > 0 {
		fmt.Fprintf(&b, ", %s", count(e.Outcome.Resets, "reset"))
	}
	if e.Outcome.CutShort {
		b.WriteString(", the last one cut short")
	}
	if e.Last != nil {
		fmt.Fprintf(&b, ": last: %s", e.Last)
	}
	return b.String()
}

// Unwrap makes both why it ended and the last cause reachable.
func (e *Error) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Ended, e.Last} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// Final marks a cause that will not go away with time: the wait ends at once with it.
// Final(nil) is nil.
func Final(err error) error {
	if err == nil {
		return nil
	}
	return &final{err}
}

type final struct{ cause error }

func (f *final) Error() string { return f.cause.Error() }
func (f *final) Unwrap() error { return f.cause }

func isFinal(err error) bool {
	var f *final
	return errors.As(err, &f)
}

func cutShort(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

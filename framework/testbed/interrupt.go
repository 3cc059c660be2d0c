package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Interrupted is the cause of a context that a signal ended.
type Interrupted struct{ Signal os.Signal }

func (i *Interrupted) Error() string { return fmt.Sprintf("interrupted by %s", i.Signal) }

// Signal returns the name of the signal that ended ctx, or "".
func Signal(ctx context.Context) string {
	var i *Interrupted
	if errors.As(context.Cause(ctx), &i) {
		return i.Signal.String()
	}
	return ""
}

// Interruptible returns a context that the first SIGINT or SIGTERM cancels, so that
// everything created is removed; it writes a line about that. A second signal ends the
// process at once.
func Interruptible(ctx context.Context, say io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			fmt.Fprintf(say, "meshgate: %s: removing what was created; once more to stop at once (then `meshgate down` removes the rest)\n", s)
			cancel(&Interrupted{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}

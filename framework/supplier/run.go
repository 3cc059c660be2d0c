package supplier

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"meshgate/framework/progress"
)

// grace is what the program gets to end by itself after it was told to: it ends the
// tools that it runs, which get 15 s of it, and removes its temporary folders.
const grace = 25 * time.Second

// FailedError is a run of meshgate-bundle that failed.
type FailedError struct {
	// Command is what was run, without the program's folder.
	Command string
	// Code is its exit code, -1 where a signal ended it.
	Code int
	// Reason is what it said of it.
	Reason string
}

func (e *FailedError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("%s: exit status %d, and it did not say why", e.Command, e.Code)
	}
	return e.Reason
}

// run runs the program to its end and returns what it answered. Its lines go to phase.
// When ctx ends the program is told to end, and killed if it has not within grace.
func (p Program) run(ctx context.Context, phase progress.Phase, args ...string) (inputs string, err error) {
	if p.Path == "" {
		return "", p.missing(args...)
	}
	cmd := exec.CommandContext(ctx, p.Path, append([]string{EventsFlag}, args...)...)
	heard, complaint := &listener{phase: phase}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = heard, complaint
	// A group of its own: Ctrl-C in a terminal reaches meshgate alone, which decides in
	// which order things end. The pipe closes when meshgate dies, however it does.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	if _, err := cmd.StdinPipe(); err != nil {
		return "", fmt.Errorf("%s: %w", ProgramName, err)
	}
	err = outcome(ctx, cmd.Run(), ProgramName+joined(args), cmp.Or(heard.reason(), tail(complaint.String())))
	return heard.inputs, err
}

// outcome says what became of a run that ended with err, for the reason that the
// program gave.
func outcome(ctx context.Context, err error, command, reason string) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", command, context.Cause(ctx))
	case errors.As(err, &exit):
		return &FailedError{Command: command, Code: exit.ExitCode(), Reason: reason}
	}
	return fmt.Errorf("%s: %w", command, err)
}

// tailLength is how much of what the program complained of an error carries, in bytes.
const tailLength = 2000

func tail(s string) string {
	s = strings.TrimSpace(s)
	return s[max(0, len(s)-tailLength):]
}

package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Call is one command to run.
type Call struct {
	// Name is the program: a name to be found in PATH, or a path.
	Name string
	Args []string
	// Env is added to our environment, "KEY=value".
	Env []string
	// Stdin is what the command reads; nil means nothing.
	Stdin io.Reader
	// Stdout receives what it writes; nil means that Run returns it.
	Stdout io.Writer
}

func (c Call) String() string {
	return strings.Join(append([]string{filepath.Base(c.Name)}, c.Args...), " ")
}

// Runner runs commands. Commands is the real one; tests bring their own.
type Runner interface {
	// Run returns the command's standard output. A command that fails is an
	// *ExitError; one that the context ended is the context's cause.
	Run(ctx context.Context, c Call) ([]byte, error)
	// Find returns every program of that name in PATH and in the system's folders.
	Find(name string) []string
}

// ExitError is a command that ran and failed.
type ExitError struct {
	Command string
	Code    int
	// Stderr is the end of what it said.
	Stderr string
}

func (e *ExitError) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("%s: exit status %d", e.Command, e.Code)
	}
	return fmt.Sprintf("%s: exit status %d: %s", e.Command, e.Code, e.Stderr)
}

// killAfter is how long an interrupted command may take to end by itself before
// it is killed.
const killAfter = 3 * time.Second

// Commands runs commands on this machine.
type Commands struct{}

// Run implements Runner.
func (Commands) Run(ctx context.Context, c Call) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.Name, c.Args...)
	cmd.Env = append(cmd.Environ(), c.Env...)
	cmd.Stdin = c.Stdin
	// A group of its own: Ctrl-C in a terminal reaches us alone, and we decide in
	// which order things end.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	err := cmd.Run()
	if err != nil && ctx.Err() != nil {
		return out.Bytes(), fmt.Errorf("%s: %w", c, context.Cause(ctx))
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out.Bytes(), &ExitError{Command: c.String(), Code: exit.ExitCode(), Stderr: tail(errs.String())}
	}
	if err != nil {
		return out.Bytes(), fmt.Errorf("%s: %w", c, err)
	}
	return out.Bytes(), nil
}

// tailLength is how much of a command's complaint an error carries, in bytes.
const tailLength = 2000

func tail(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > tailLength {
		s = "…" + s[len(s)-tailLength:]
	}
	return s
}

// Package toolrun runs the tools that a build from source needs on this machine,
// says which of them are missing, and leaves no process behind.
package toolrun

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// grace is what a tool gets to clean up after it was told to end: mmdebstrap
// removes its folders and unmounts what it mounted.
const grace = 15 * time.Second

// tailLines is how much of a tool's output an error quotes.
const tailLines = 20

// Command is one run of a tool.
type Command struct {
	Dir  string
	Env  []string // added to the environment of this process
	Args []string
	// Mounts says that the tool mounts file systems. It then gets a mount namespace
	// of its own: however it ends, nothing stays mounted, and no folder of it ever
	// leads into the machine's own /proc or /dev.
	Mounts bool
	// Line is told every line that the tool writes to its standard error; those
	// for which it answers true are not quoted in an error.
	Line func(line string) (noise bool)
}

// Run runs the tool to its end and returns its standard output. When ctx ends,
// the tool and all that it started are ended: first asked, then killed. The error
// quotes the last lines of the tool's output and wraps the cause of ctx.
func Run(ctx context.Context, c Command) ([]byte, error) {
	var stdout bytes.Buffer
	quoted := &tail{line: c.Line}
	cmd := Prepare(ctx, c)
	cmd.Stdout, cmd.Stderr = &stdout, quoted
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.title(), err)
	}
	err := cmd.Wait()
	Sweep(cmd)
	quoted.close()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: interrupted: %w", c.title(), context.Cause(ctx))
	case err != nil:
		return nil, &Error{Title: c.title(), Output: quoted.text(stdout.Bytes()), Err: err}
	}
	return stdout.Bytes(), nil
}

// Prepare makes a command that is the leader of a process group of its own; the
// whole group is told to end when ctx ends.
func Prepare(ctx context.Context, c Command) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.Mounts {
		cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace
	return cmd
}

// Sweep kills what is left of the group of a command that has ended.
func Sweep(cmd *exec.Cmd) {
	if cmd.Process == nil {
		return
	}
	// No such group is the normal case: everything in it has ended.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}

func (c Command) title() string {
	const most = 100
	title := strings.Join(c.Args, " ")
	if len(title) > most {
		title = title[:most] + "…"
	}
	return title
}

// Error is a tool that failed.
type Error struct {
	Title  string
	Output string // the last lines
	Err    error
}

// Error says what ran, how it ended, what it wrote last and what to do.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %v", e.Title, e.Err)
	if e.Output != "" {
		text += ":\n    " + strings.ReplaceAll(e.Output, "\n", "\n    ")
	}
	if hint := hint(e.Output, e.Err); hint != "" {
		text += "\n  " + hint
	}
	return text
}

// Unwrap gives the error of the process.
func (e *Error) Unwrap() error { return e.Err }

// hints are what is known about the words that tools fail with.
var hints = []struct{ words, advice string }{
	{"403 Forbidden", "the Go module proxy does not serve this module version, and asking again will not help: pin a version that it serves in the recipe's go.mod"},
	{"missing go.sum entry", "the recipe's go.sum does not cover what is built: run `go mod download` in its folder and commit go.sum"},
	{"HASHES FROM THE REQUIREMENTS FILE", "the package index serves another file than the recipe pins: compare the hash in the recipe's requirements file"},
	{"no space left on device", "free disk space: a build from source needs about 15 GB for Go's caches and the bundle"},
	{"signal: killed", "something killed the compiler, most likely for want of memory: a build needs about 6 GB"},
	{"dial tcp", "the network did not answer: check HTTP_PROXY, HTTPS_PROXY, NO_PROXY and GOPROXY"},
	{"Temporary failure resolving", "the distribution's mirror cannot be reached: check the machine's own apt configuration with `apt-get update`"},
}

func hint(output string, err error) string {
	if errors.Is(err, exec.ErrNotFound) {
		return "install it and try again"
	}
	for _, h := range hints {
		if strings.Contains(output, h.words) {
			return h.advice
		}
	}
	return ""
}

// tail keeps the last lines of what is written to it.
type tail struct {
	line  func(string) bool
	rest  []byte
	lines []string
}

func (t *tail) Write(p []byte) (int, error) {
	t.rest = append(t.rest, p...)
	for {
		at := bytes.IndexAny(t.rest, "\r\n")
		if at < 0 {
			return len(p), nil
		}
		t.take(string(t.rest[:at]))
		t.rest = t.rest[at+1:]
	}
}

func (t *tail) take(line string) {
	line = strings.TrimRight(line, " \t")
	if line == "" || t.line != nil && t.line(line) {
		return
	}
	if t.lines = append(t.lines, line); len(t.lines) > tailLines {
		t.lines = t.lines[1:]
	}
}

func (t *tail) close() {
	t.take(string(t.rest))
	t.rest = nil
}

// text is the tail, or the end of the standard output if nothing was written to
// the standard error.
func (t *tail) text(stdout []byte) string {
	if len(t.lines) == 0 {
		out := &tail{}
		_, _ = out.Write(append(stdout, '\n'))
		return strings.Join(out.lines, "\n")
	}
	return strings.Join(t.lines, "\n")
}

package engine

import (
	"fmt"
	"strings"
)

// Cause says why an engine cannot be used.
type Cause string

// The causes that have a remedy of their own.
const (
	Absent       Cause = "absent"        // no client was found
	Stopped      Cause = "not running"   // a client, but no engine behind it
	NoPermission Cause = "no permission" // an engine that does not let us in
	TooOld       Cause = "version"       // client and engine do not understand each other
	Other        Cause = "unusable"
)

// UnusableError says that no engine can be used, why not, one line for each
// client that was found.
type UnusableError struct {
	Tried  []Tried
	wanted []Kind
}

// Tried is a client that was found and whose engine could not be used.
type Tried struct {
	Kind   Kind
	Binary string
	Cause  Cause
	Err    error
}

func (e *UnusableError) add(k Kind, binary string, err error) {
	e.Tried = append(e.Tried, Tried{Kind: k, Binary: binary, Cause: causeOf(err.Error()), Err: err})
}

// Cause is the one to act upon: a permission that is missing comes before an
// engine to be started, and that before one to be installed.
func (e *UnusableError) Cause() Cause {
	for _, c := range []Cause{NoPermission, TooOld, Stopped, Other} {
		for _, t := range e.Tried {
			if t.Cause == c {
				return c
			}
		}
	}
	return Absent
}

// Unwrap makes the causes reachable.
func (e *UnusableError) Unwrap() []error {
	var all []error
	for _, t := range e.Tried {
		all = append(all, t.Err)
	}
	return all
}

func (e *UnusableError) Error() string { return e.Short() + "; " + e.Remedy() }

// Short is the error without the remedy.
func (e *UnusableError) Short() string {
	if len(e.Tried) == 0 {
		return fmt.Sprintf("no container engine: none of the commands %v is installed", e.wanted)
	}
	lines := make([]string, 0, len(e.Tried))
	for _, t := range e.Tried {
		lines = append(lines, fmt.Sprintf("%s (%s): %s: %s", t.Kind, t.Binary, t.Cause, t.Err))
	}
	return "no usable container engine: " + strings.Join(lines, "; ")
}

// Remedy is what to do next, with the command.
func (e *UnusableError) Remedy() string {
	switch e.Cause() {
	case NoPermission:
		return "let this user in with `sudo usermod -aG docker $USER`, then log in again, or run as root"
	case TooOld:
		return "remove the older one of client and engine, or put the engine's own client first in PATH"
	case Stopped:
		return "start it with `" + StartCommand + "`, or let `meshgate doctor --fix` do it as root"
	case Other:
		return "see `meshgate doctor`"
	}
	return "install one with `" + InstallCommand + "`, or let `meshgate doctor --fix` do it as root"
}

// causeOf reads the complaints of the clients, which have no codes.
func causeOf(complaint string) Cause {
	text := strings.ToLower(complaint)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("permission denied", "access is denied"):
		return NoPermission
	case has("is too new", "is too old", "minimum supported api version"):
		return TooOld
	case has("cannot connect", "connection refused", "is the docker daemon running", "no such file", "rootless containerd not running", "cannot access containerd socket"):
		return Stopped
	}
	return Other
}

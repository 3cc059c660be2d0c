package config

import (
	"errors"
	"fmt"
	"strings"
)

// errMismatch is what a check returns when want and got say everything.
var errMismatch = errors.New("not accepted")

// UsageError lists everything that is wrong with what the run was asked to do;
// cmd exits with 64 on it.
type UsageError struct{ Problems []Problem }

// Problem is one thing that is wrong.
type Problem struct {
	// What is the setting's key, or the unknown name.
	What string
	// Nearest is, for an unknown name, the most similar valid one; otherwise empty.
	Nearest string
	// Commands are, for a flag that is not one of the command given, those that have it
	// (or the nearest one).
	Commands []string
	// Want says what is accepted, and Got is the text that was given.
	Want, Got string
	// Origin is where it was given: "flag --nodes", "environment MESHGATE_NODES",
	// "meshgate.yaml:7", "default".
	Origin string
	// Detail is more that is known about it, or empty.
	Detail string
}

// Error has one line a problem.
func (e *UsageError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// String reads, for example: `cluster.nodes: want a whole number from 1 to 5, got
// "7" (environment MESHGATE_NODES)`.
func (p Problem) String() string {
	switch {
	case p.Nearest != "" && len(p.Commands) > 0:
		return fmt.Sprintf("unknown %s (%s); the nearest there is: %s, a flag of %s", p.What, p.Origin, p.Nearest, commandList(p.Commands))
	case p.Nearest != "":
		return fmt.Sprintf("unknown %s (%s); the nearest there is: %s", p.What, p.Origin, p.Nearest)
	case len(p.Commands) > 0:
		return fmt.Sprintf("unknown %s (%s): this command does not use it, it is a flag of %s", p.What, p.Origin, commandList(p.Commands))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: want %s", p.What, p.Want)
	if p.Got != "" {
		fmt.Fprintf(&b, ", got %q", p.Got)
	}
	fmt.Fprintf(&b, " (%s)", p.Origin)
	if p.Detail != "" {
		fmt.Fprintf(&b, ": %s", p.Detail)
	}
	return b.String()
}

// Package progress shows people what a long piece of work is doing: its phase, the object
// that it waits for, and the time it has taken. It does not render verdicts; package report
// does.
package progress

import (
	"fmt"
	"time"
)

// Log receives the phases of a run. Implementations are safe for concurrent use.
type Log interface {
	// Begin opens a phase, such as "cluster" or "mesh istio 1.31".
	Begin(name string) Phase
}

// Phase is one piece of work in progress. End must be called once.
type Phase interface {
	// Waiting names the object that the phase is waiting for at this moment.
	Waiting(object string)
	// Show replaces Waiting in a phase with several concurrent waits. It may be called
	// often: a plain log writes a line for it only when a wait is long.
	Show(State)
	// Note records a fact a person should know, such as an adaptation to the host.
	Note(format string, args ...any)
	// End closes the phase, with the error it ended in or nil.
	End(err error)
}

// State is how far a phase is, and what it waits for at this moment.
type State struct {
	Done   string    // such as "5 of 14, 1 failed"; empty when nothing is counted
	Object string    // the object of the longest wait; empty when the phase does not wait
	Since  time.Time // when that wait began
	More   int       // the number of other waits
}

// counted prefixes a text with how far the phase is.
func (s State) counted(text string) string {
	if s.Done == "" {
		return text
	}
	return s.Done + ": " + text
}

// lasting says how long the wait has taken, and how many others there are.
func (s State) lasting() string {
	text := " (" + elapsed(time.Since(s.Since)) + ")"
	if s.More > 0 {
		text += fmt.Sprintf("; and %d more", s.More)
	}
	return text
}

// Discard returns a Log that writes nothing.
func Discard() Log { return discard{} }

type discard struct{}

func (discard) Begin(string) Phase  { return discard{} }
func (discard) Waiting(string)      {}
func (discard) Show(State)          {}
func (discard) Note(string, ...any) {}
func (discard) End(error)           {}

// Package progress tells people what a long piece of work is doing: the phase,
// what is being waited for, and how long it has taken. It renders nothing about
// verdicts; package report does.
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
	// Show is Waiting of a phase in which several things go on at the same time. It may
	// change often: of lines for a file it makes some only when a wait is long.
	Show(State)
	// Note records a fact a person should know, such as an adaptation to the host.
	Note(format string, args ...any)
	// End closes the phase, with the error it ended in or nil.
	End(err error)
}

// State is how far a phase is, and what it waits for at this moment.
type State struct {
	Done   string    // such as "5 of 14, 1 failed"; empty: nothing is counted
	Object string    // what has been waited for longest; empty: nothing is
	Since  time.Time // when that wait began
	More   int       // how much else is waited for
}

// counted puts before a text how far the phase is.
func (s State) counted(text string) string {
	if s.Done == "" {
		return text
	}
	return s.Done + ": " + text
}

// lasting says how long the wait has been, and that there are others.
func (s State) lasting() string {
	text := " (" + elapsed(time.Since(s.Since)) + ")"
	if s.More > 0 {
		text += fmt.Sprintf("; and %d more", s.More)
	}
	return text
}

// Discard returns a Log that tells nobody.
func Discard() Log { return discard{} }

type discard struct{}

func (discard) Begin(string) Phase  { return discard{} }
func (discard) Waiting(string)      {}
func (discard) Show(State)          {}
func (discard) Note(string, ...any) {}
func (discard) End(error)           {}

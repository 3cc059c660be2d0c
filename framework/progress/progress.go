// Package progress tells people what a long piece of work is doing: the phase,
// what is being waited for, and how long it has taken. It renders nothing about
// verdicts; package report does.
package progress

// Log receives the phases of a run. Implementations are safe for concurrent use.
type Log interface {
	// Begin opens a phase, such as "cluster" or "mesh istio 1.31".
	Begin(name string) Phase
}

// Phase is one piece of work in progress. End must be called once.
type Phase interface {
	// Waiting names the object that the phase is waiting for at this moment.
	Waiting(object string)
	// Note records a fact a person should know, such as an adaptation to the host.
	Note(format string, args ...any)
	// End closes the phase, with the error it ended in or nil.
	End(err error)
}

// Discard returns a Log that tells nobody.
func Discard() Log { return discard{} }

type discard struct{}

func (discard) Begin(string) Phase  { return discard{} }
func (discard) Waiting(string)      {}
func (discard) Note(string, ...any) {}
func (discard) End(error)           {}

package supplier

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"

	"meshgate/framework/progress"
)

// EventsFlag is the flag with which meshgate-bundle writes events, one line of JSON
// each, to its standard output, and ends when its standard input does.
const EventsFlag = "--events"

// Event is one line that meshgate-bundle writes with EventsFlag. One field is set.
type Event struct {
	// Waiting and Note are for the phase in which the program was started.
	Waiting string `json:"waiting,omitempty"`
	Note    string `json:"note,omitempty"`
	// Inputs is the digest of what a component would be made of.
	Inputs string `json:"inputs,omitempty"`
	// Error is why the program fails, for people; it is the last event.
	Error string `json:"error,omitempty"`
}

// Emit writes an event as one line.
func Emit(w io.Writer, e Event) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// listener passes on events that are written to it, and keeps what they answer.
type listener struct {
	phase progress.Phase

	mu     sync.Mutex
	rest   []byte
	inputs string
	failed string
}

// Write takes any part of the program's output. A line that is no event is a note:
// nothing that the program says is lost.
func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		l.take(line)
		l.rest = append([]byte(nil), rest...)
	}
}

func (l *listener) take(line []byte) {
	var e Event
	if err := json.Unmarshal(line, &e); err != nil {
		e = Event{Note: string(line)}
	}
	switch {
	case e.Waiting != "":
		l.phase.Waiting(e.Waiting)
	case e.Note != "":
		l.phase.Note("%s", e.Note)
	case e.Inputs != "":
		l.inputs = e.Inputs
	case e.Error != "":
		l.failed = e.Error
	}
}

// reason is why the program says that it failed; empty if it does not.
func (l *listener) reason() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

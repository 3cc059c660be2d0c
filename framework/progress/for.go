package progress

import (
	"bytes"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// minWidth is the width in columns below which live lines would be too short to be of use.
const minWidth = 40

// For picks the renderer for w: live lines on a terminal that is wide enough,
// plain lines everywhere else.
func For(w *os.File) Log {
	if term.IsTerminal(int(w.Fd())) && widthOf(w) >= minWidth {
		return Terminal(w)
	}
	return Plain(w)
}

// Lines returns a writer for output that is not progress but goes to the same place,
// such as another library's log: each of its lines stays on the screen, above the live
// lines. Close shows a last line that has no line feed.
func Lines(l Log) io.WriteCloser {
	if s, ok := l.(liner); ok {
		return &lines{show: s.line}
	}
	return &lines{show: func(string) {}}
}

// liner is a Log that can show a line outside of any phase.
type liner interface{ line(text string) }

// maxPending bounds the bytes that are kept of a line without line feed.
const maxPending = 64 << 10

type lines struct {
	mu      sync.Mutex
	show    func(string)
	pending []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, p...)
	for {
		line, rest, found := bytes.Cut(l.pending, []byte("\n"))
		if !found && len(l.pending) < maxPending {
			return len(p), nil
		}
		l.show(string(bytes.TrimRight(line, "\r")))
		l.pending = append(l.pending[:0], rest...)
	}
}

func (l *lines) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) > 0 {
		l.show(string(l.pending))
		l.pending = nil
	}
	return nil
}

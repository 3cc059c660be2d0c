package progress

import (
	"strings"
	"sync"
)

// screen emulates a terminal: it interprets the escape sequences of go-pretty, wraps at its
// width, reflows when it is resized as modern terminals do, and keeps all rows.
type screen struct {
	mu     sync.Mutex
	width  int
	lines  []string // logical lines; the last one has the cursor
	unread string   // escape sequences that it does not know
}

func newScreen(width int) *screen { return &screen{width: width, lines: []string{""}} }

func (s *screen) columns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.width
}

func (s *screen) resize(width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.width = width
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := string(p)
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, "\x1b[A"):
			s.up()
			rest = rest[3:]
		case strings.HasPrefix(rest, "\x1b[K"):
			rest = rest[3:] // the cursor is at the beginning of a row that up has emptied
		case rest[0] == '\x1b':
			s.unread += rest[:3]
			rest = rest[3:]
		case rest[0] == '\n':
			s.lines = append(s.lines, "")
			rest = rest[1:]
		default:
			next := strings.IndexAny(rest, "\x1b\n")
			if next < 0 {
				next = len(rest)
			}
			s.lines[len(s.lines)-1] += rest[:next]
			rest = rest[next:]
		}
	}
	return len(p), nil
}

// up goes one row up from an empty line, and erases that row, which is the last
// row of the logical line above.
func (s *screen) up() {
	if len(s.lines) < 2 {
		return
	}
	above := []rune(s.lines[len(s.lines)-2])
	last := 0
	if len(above) > 0 {
		last = (len(above) - 1) / s.width * s.width
	}
	if last > 0 {
		s.lines[len(s.lines)-2] = string(above[:last])
		return
	}
	s.lines = s.lines[:len(s.lines)-1]
	s.lines[len(s.lines)-1] = ""
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

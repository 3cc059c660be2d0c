package progress

import (
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/jedib0t/go-pretty/v6/text"

	"meshgate/framework/printable"
)

// progressLine is the line of one phase on a terminal.
type progressLine struct {
	terminal *terminal
	name     string
	begun    time.Time
	tracker  *progress.Tracker
	end      sync.Once

	mu    sync.Mutex
	state State
}

func (l *progressLine) Waiting(object string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if object != l.state.Object {
		l.state = State{Done: l.state.Done, Object: object, Since: time.Now()}
	}
}

func (l *progressLine) Show(s State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
}

func (l *progressLine) Note(format string, args ...any) {
	l.terminal.line(l.name + ": " + printable.Short(plainText(format, args), maxText))
}

func (l *progressLine) End(err error) {
	l.end.Do(func() { l.terminal.ended(l, err) })
}

// render is the text of the line at this moment. It leaves the last column free: a
// terminal wraps a line of its full width, and the frame would be misplaced.
func (l *progressLine) render(width int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	head, tail := l.name, State{Since: l.begun}.lasting()
	if l.state.Done != "" {
		head += ": " + l.state.Done
	}
	if l.state.Object != "" {
		head += ": waiting for " + printable.Line(l.state.Object)
		tail = l.state.lasting()
	}
	room := max(1, width-1-text.StringWidth(tail))
	return text.Trim(text.Snip(head, room, "…")+tail, max(1, width-1))
}

// last is the text that stays on the screen when the phase has ended.
func (l *progressLine) last(err error) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.name + ": " + printable.Short(l.state.counted(ending(err, time.Since(l.begun))), maxText)
}

package progress

import (
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/jedib0t/go-pretty/v6/text"

	"meshgate/framework/report/printable"
)

// lane is a phase on a terminal.
type lane struct {
	terminal *terminal
	name     string
	begun    time.Time
	tracker  *progress.Tracker
	end      sync.Once

	mu    sync.Mutex
	state State
}

func (l *lane) Waiting(object string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if object != l.state.Object {
		l.state = State{Done: l.state.Done, Object: object, Since: time.Now()}
	}
}

func (l *lane) Show(s State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
}

func (l *lane) Note(format string, args ...any) {
	l.terminal.line(l.name + ": " + printable.Short(plainText(format, args), maxText))
}

func (l *lane) End(err error) {
	l.end.Do(func() { l.terminal.ended(l, err) })
}

// live is the lane's line at this moment. It leaves the last column free: a
// terminal that is written to its very edge wraps, and the frame would be off.
func (l *lane) live(width int) string {
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

// last is the line that stays of the lane.
func (l *lane) last(err error) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.name + ": " + printable.Short(l.state.counted(ending(err, time.Since(l.begun))), maxText)
}

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

	mu     sync.Mutex
	object string
	since  time.Time
}

func (l *lane) Waiting(object string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if object == l.object {
		return
	}
	l.object, l.since = object, time.Now()
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
	head := l.name
	if l.object != "" {
		head += ": waiting for " + printable.Line(l.object)
	}
	tail := " (" + elapsed(time.Since(l.since)) + ")"
	room := max(1, width-1-text.StringWidth(tail))
	return text.Trim(text.Snip(head, room, "…")+tail, max(1, width-1))
}

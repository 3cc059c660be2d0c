package progress

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"

	"meshgate/framework/printable"
)

// frameEvery is how often live lines are drawn. The end of the last phase waits for one
// frame, so it is short.
const frameEvery = 50 * time.Millisecond

// Terminal returns a Log with one live line for each open phase: its name, what it waits
// for, and for how long. Notes and the results of ended phases stay on the screen above
// the live lines. While no phase is open nothing is drawn and no goroutine runs, so that
// other output may be written to w; while one is open, other output must go through Lines.
func Terminal(w *os.File) Log {
	return newTerminal(w, func() int { return widthOf(w) })
}

func newTerminal(w io.Writer, width func() int) *terminal {
	return &terminal{out: &frames{w: w, width: width}, width: width}
}

// widthOf is the number of columns of w, or 80 when w is not a terminal.
func widthOf(w *os.File) int {
	columns, _, err := term.GetSize(int(w.Fd()))
	if err != nil || columns <= 0 {
		return 80
	}
	return columns
}

type terminal struct {
	out   *frames
	width func() int

	mu   sync.Mutex
	open int      // phases that have not ended
	live *display // nil while open is 0
}

// display draws the live lines from the begin of the first phase until no phase is open.
type display struct {
	writer progress.Writer
	done   chan struct{} // closed when the last frame is drawn

	mu    sync.Mutex
	lines map[*progressLine]bool
}

func (t *terminal) Begin(name string) Phase {
	t.lock()
	defer t.mu.Unlock()
	l := &progressLine{terminal: t, name: printable.Line(name), begun: time.Now()}
	fresh := t.live == nil
	if fresh {
		t.live = newDisplay(t.out)
	}
	t.open++
	t.live.add(l, t.width())
	if fresh {
		go t.live.run(t.width)
	}
	return l
}

// lock waits until no display is drawing its last frame, and then holds t.mu. It waits
// outside the mutex, so that a frame blocks no other caller.
func (t *terminal) lock() {
	for {
		t.mu.Lock()
		s := t.live
		if s == nil || t.open > 0 {
			return
		}
		t.mu.Unlock()
		t.finish(s)
	}
}

// finish waits for the last frame of a display without open phases.
func (t *terminal) finish(s *display) {
	<-s.done
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live == s {
		t.live = nil
	}
}

// line writes a line that stays on the screen, above the live lines if there are any.
func (t *terminal) line(text string) {
	t.lock()
	defer t.mu.Unlock()
	text = printable.Line(text)
	if t.live == nil {
		t.out.line(text)
		return
	}
	t.live.writer.Log(text)
}

// ended replaces a live line by its final text. After the last phase it waits for the last
// frame, so that the next output begins on a new line.
func (t *terminal) ended(l *progressLine, err error) {
	t.mu.Lock()
	s := t.live
	s.end(l, err)
	t.open--
	last := t.open == 0
	t.mu.Unlock()
	if last {
		t.finish(s)
	}
}

func newDisplay(out io.Writer) *display {
	w := progress.NewWriter()
	w.SetOutputWriter(out)
	w.SetUpdateFrequency(frameEvery)
	w.SetAutoStop(true)
	w.SetTrackerPosition(progress.PositionRight)
	style := progress.StyleDefault
	style.Options.DoneString, style.Options.ErrorString, style.Options.Separator = "", "", ""
	style.Visibility = progress.StyleVisibility{} // the message has all parts of the line
	w.SetStyle(style)
	return &display{writer: w, done: make(chan struct{}), lines: map[*progressLine]bool{}}
}

func (s *display) add(l *progressLine, width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.tracker = &progress.Tracker{Message: l.render(width)}
	s.lines[l] = true
	s.writer.AppendTracker(l.tracker)
}

func (s *display) end(l *progressLine, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lines, l)
	l.tracker.UpdateMessage(l.last(err))
	if err != nil {
		l.tracker.MarkAsErrored()
		return
	}
	l.tracker.MarkAsDone()
}

// run draws until no phase is open, and updates the elapsed times.
func (s *display) run(width func() int) {
	defer close(s.done)
	drawn := make(chan struct{})
	go func() {
		defer close(drawn)
		s.writer.Render()
	}()
	tick := time.NewTicker(frameEvery)
	defer tick.Stop()
	for {
		select {
		case <-drawn:
			return
		case <-tick.C:
			s.refresh(width())
		}
	}
}

func (s *display) refresh(width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.lines {
		l.tracker.UpdateMessage(l.render(width))
	}
}

package progress

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"

	"meshgate/framework/report/printable"
)

// frameEvery is how often live lanes are drawn. The end of the last lane waits
// for one frame, so it is short.
const frameEvery = 50 * time.Millisecond

// Terminal returns a Log with one live line for each open phase: its name, what
// it waits for, and for how long. What ends, and what is noted, stays on the
// screen above the live lines. Nothing is drawn, and no goroutine runs, while no
// phase is open, so other output can go to w in between; while one is open, it
// goes through Lines.
func Terminal(w *os.File) Log {
	return newTerminal(w, func() int { return widthOf(w) })
}

func newTerminal(w io.Writer, width func() int) *terminal {
	return &terminal{out: &frames{w: w, width: width}, width: width}
}

// widthOf is the number of columns, or of a common terminal where w does not say.
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
	open int   // lanes that have not ended
	show *show // nil while open is 0
}

// show is one stretch of time in which lanes are open.
type show struct {
	writer progress.Writer
	done   chan struct{} // closed when the last frame is drawn

	mu    sync.Mutex
	lanes map[*lane]bool
}

func (t *terminal) Begin(name string) Phase {
	t.lock()
	defer t.mu.Unlock()
	l := &lane{terminal: t, name: printable.Line(name), begun: time.Now()}
	fresh := t.show == nil
	if fresh {
		t.show = newShow(t.out)
	}
	t.open++
	t.show.add(l, t.width())
	if fresh {
		go t.show.run(t.width)
	}
	return l
}

// lock waits until no show is drawing its last frame, and holds t.mu then. The
// wait is outside the mutex, so that nobody is stuck behind a frame.
func (t *terminal) lock() {
	for {
		t.mu.Lock()
		s := t.show
		if s == nil || t.open > 0 {
			return
		}
		t.mu.Unlock()
		t.finish(s)
	}
}

// finish waits for the last frame of a show that has no open lane.
func (t *terminal) finish(s *show) {
	<-s.done
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.show == s {
		t.show = nil
	}
}

// line shows a line for good, above the lanes if there are any.
func (t *terminal) line(text string) {
	t.lock()
	defer t.mu.Unlock()
	text = printable.Line(text)
	if t.show == nil {
		t.out.line(text)
		return
	}
	t.show.writer.Log(text)
}

// ended takes a lane off the screen, and waits for the last frame when it was the
// last lane: what is printed next must find the cursor on a line of its own.
func (t *terminal) ended(l *lane, err error) {
	t.mu.Lock()
	s := t.show
	s.end(l, err)
	t.open--
	last := t.open == 0
	t.mu.Unlock()
	if last {
		t.finish(s)
	}
}

func newShow(out io.Writer) *show {
	w := progress.NewWriter()
	w.SetOutputWriter(out)
	w.SetUpdateFrequency(frameEvery)
	w.SetAutoStop(true)
	w.SetTrackerPosition(progress.PositionRight)
	style := progress.StyleDefault
	style.Options.DoneString, style.Options.ErrorString, style.Options.Separator = "", "", ""
	style.Visibility = progress.StyleVisibility{} // the message says it all
	w.SetStyle(style)
	return &show{writer: w, done: make(chan struct{}), lanes: map[*lane]bool{}}
}

func (s *show) add(l *lane, width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.tracker = &progress.Tracker{Message: l.live(width)}
	s.lanes[l] = true
	s.writer.AppendTracker(l.tracker)
}

func (s *show) end(l *lane, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lanes, l)
	l.tracker.UpdateMessage(l.last(err))
	if err != nil {
		l.tracker.MarkAsErrored()
		return
	}
	l.tracker.MarkAsDone()
}

// run draws until no lane is open, and keeps the lanes' elapsed times moving.
func (s *show) run(width func() int) {
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

func (s *show) refresh(width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.lanes {
		l.tracker.UpdateMessage(l.live(width))
	}
}

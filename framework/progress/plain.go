package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"meshgate/framework/printable"
)

// A plain log repeats every remindEvery what a phase waits for: often enough that a CI
// server sees activity, seldom enough that its log stays readable. The awaited object may
// change a hundred times a second, as with packages that are compiled; minGap is the least
// time between two lines about that.
const (
	remindEvery = 10 * time.Second
	minGap      = time.Second
)

// maxText bounds the length in a line of one text from outside, such as an error.
const maxText = 600

// Plain returns a Log of lines for files and CI servers: UTC time, phase, event.
// A waiting phase repeats its line every 10 s, and writes at most once a second that it
// waits for something else. A state set by Show gets a line when the wait has taken 10 s.
// Control characters are escaped; errors of the writer are ignored, since a failing log
// must not stop the work.
func Plain(w io.Writer) Log {
	return &plain{w: w}
}

type plain struct {
	mu sync.Mutex
	w  io.Writer
}

func (p *plain) Begin(name string) Phase {
	ph := &plainPhase{log: p, name: name, begun: time.Now(), stop: make(chan struct{}), stopped: make(chan struct{})}
	ph.say("begins")
	go ph.remind()
	return ph
}

// line writes one line at once, so that lines of parallel phases do not mix.
func (p *plain) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "%s %s\n", time.Now().UTC().Format(time.RFC3339), printable.Line(text))
}

type plainPhase struct {
	log   *plain
	name  string
	begun time.Time

	mu     sync.Mutex
	state  State
	unsaid bool      // the awaited object still needs a line
	spoke  time.Time // when the last line about a wait was written

	end     sync.Once
	stop    chan struct{} // closed by End
	stopped chan struct{} // closed when remind has returned
}

func (p *plainPhase) say(text string) {
	p.log.line(p.name + ": " + printable.Short(text, maxText))
}

func (p *plainPhase) Waiting(object string) {
	p.mu.Lock()
	if p.state.Object != object {
		p.state, p.unsaid = State{Done: p.state.Done, Object: object, Since: time.Now()}, true
	}
	p.mu.Unlock()
	p.tell()
}

func (p *plainPhase) Show(s State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state, p.unsaid = s, false
}

// tell writes a line about the awaited object if one is due.
func (p *plainPhase) tell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, line := time.Now(), ""
	switch quiet := now.Sub(p.spoke); {
	case p.state.Object == "":
	case p.unsaid && quiet >= minGap:
		line = "waiting for " + p.state.Object
	case quiet >= remindEvery && now.Sub(p.state.Since) >= remindEvery:
		line = "still waiting for " + p.state.Object + p.state.lasting()
	}
	if line != "" {
		p.unsaid, p.spoke = false, now
		p.say(p.state.counted(line))
	}
}

func (p *plainPhase) Note(format string, args ...any) {
	p.say(plainText(format, args))
}

func (p *plainPhase) End(err error) {
	p.end.Do(func() {
		close(p.stop)
		<-p.stopped
		p.mu.Lock()
		defer p.mu.Unlock()
		p.say(p.state.counted(ending(err, time.Since(p.begun))))
	})
}

// remind writes the lines that are due between calls of Waiting, until the phase ends.
func (p *plainPhase) remind() {
	defer close(p.stopped)
	tick := time.NewTicker(minGap)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
			p.tell()
		}
	}
}

// plainText is fmt.Sprintf, except that a format without arguments is returned unchanged:
// it may be text from outside with a percent sign.
func plainText(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

func ending(err error, took time.Duration) string {
	if err != nil {
		return fmt.Sprintf("failed after %s: %v", elapsed(took), err)
	}
	return "done in " + elapsed(took)
}

// elapsed is a duration for people: 0.3 s, 32 s, 2 min 05 s.
func elapsed(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	default:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
}

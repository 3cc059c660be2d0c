package suite

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"meshgate/framework/printable"
	"meshgate/framework/progress"
	"meshgate/framework/report"
)

// lane shows people how far the features of one suite are in a round, and says what
// became of each. It begins with the first that is asked, so that a filter that matches
// nothing shows nothing.
type lane struct {
	name  string
	log   progress.Log
	lines io.Writer // one for each feature that has ended
	steps bool      // and one for each step
	of    int       // how many features are asked

	once  sync.Once
	phase progress.Phase
	group *progress.Group

	mu     sync.Mutex
	counts report.Counts
}

func (l *lane) begin() {
	l.once.Do(func() {
		l.phase = l.log.Begin(l.name)
		l.group = progress.NewGroup(l.phase)
		l.count()
	})
}

// end comes when all features have ended.
func (l *lane) end() {
	if l.phase != nil {
		l.phase.End(nil)
	}
}

// asks shows what of a feature is asked until the function that it returns is called.
func (l *lane) asks(feature, step string) (ended func()) {
	l.begin()
	l.group.Waiting(feature, fmt.Errorf("%s: %s", feature, step))
	return func() { l.group.Waiting(feature, nil) }
}

// step tells what became of a step, if that much is wanted.
func (l *lane) step(feature string, s report.Step) {
	if !l.steps {
		return
	}
	why := ""
	if s.Failure != nil {
		why = s.Failure.Message
	}
	l.tell(feature+": "+s.Name, s.Status, s.Took, why)
}

// feature tells what became of a feature, and counts it.
func (l *lane) feature(name string, f report.Feature) {
	status, why := f.Judged()
	l.tell(name, status, f.Took, why)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Add(status)
	l.count()
}

// count shows how many have ended, and how many of them are not green.
func (l *lane) count() {
	others := l.counts
	others.Passed = 0
	text := fmt.Sprintf("%d of %d", l.counts.Features, l.of)
	if words := others.Words(); words != "" {
		text += ", " + words
	}
	l.group.Done(text)
}

// maxWhy bounds the reason in a line; the whole text is in the report.
const maxWhy = 300

func (l *lane) tell(what string, status report.Status, took report.Seconds, why string) {
	text := " in " + took.String()
	if why != "" {
		first, _, _ := strings.Cut(why, "\n")
		text = ": " + printable.Short(first, maxWhy)
	}
	fmt.Fprintf(l.lines, "%s: %s %s%s\n", l.name, what, status, text)
}

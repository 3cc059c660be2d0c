package runner

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"meshgate/framework/printable"
	"meshgate/framework/progress"
	"meshgate/framework/report"
)

// suiteProgress shows people how far the features of one suite are in a round, and the
// result of each. It begins with the first feature that runs, so that a filter that matches
// nothing shows nothing.
type suiteProgress struct {
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

func (p *suiteProgress) begin() {
	p.once.Do(func() {
		p.phase = p.log.Begin(p.name)
		p.group = progress.NewGroup(p.phase)
		p.count()
	})
}

// end comes when all features have ended.
func (p *suiteProgress) end() {
	if p.phase != nil {
		p.phase.End(nil)
	}
}

// running shows which step of a feature runs, until the function that it returns is called.
func (p *suiteProgress) running(feature, step string) (ended func()) {
	p.begin()
	p.group.Waiting(feature, fmt.Errorf("%s: %s", feature, step))
	return func() { p.group.Waiting(feature, nil) }
}

// step tells what became of a step, if that much is wanted.
func (p *suiteProgress) step(feature string, s report.Step) {
	if !p.steps {
		return
	}
	why := ""
	if s.Failure != nil {
		why = s.Failure.Message
	}
	p.tell(feature+": "+s.Name, s.Status, s.Took, why)
}

// feature tells what became of a feature, and counts it.
func (p *suiteProgress) feature(name string, f report.Feature) {
	status, why := f.Judged()
	p.tell(name, status, f.Took, why)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Add(status)
	p.count()
}

// count shows how many have ended, and how many of them are not green.
func (p *suiteProgress) count() {
	others := p.counts
	others.Passed = 0
	text := fmt.Sprintf("%d of %d", p.counts.Features, p.of)
	if words := others.Words(); words != "" {
		text += ", " + words
	}
	p.group.Done(text)
}

// maxWhy bounds the reason in a line; the whole text is in the report.
const maxWhy = 300

func (p *suiteProgress) tell(what string, status report.Status, took report.Seconds, why string) {
	text := " in " + took.String()
	if why != "" {
		first, _, _ := strings.Cut(why, "\n")
		text = ": " + printable.Short(first, maxWhy)
	}
	fmt.Fprintf(p.lines, "%s: %s %s%s\n", p.name, what, status, text)
}

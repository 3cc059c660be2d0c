package testbed

import (
	"fmt"
	"sync"
	"time"

	"meshgate/framework/progress"
	"meshgate/framework/report"
)

// Phases passes progress on to a log and records the phases for the report.
type Phases struct {
	log progress.Log

	mu   sync.Mutex
	list []*recorded
}

// Record wraps a log.
func Record(log progress.Log) *Phases { return &Phases{log: log} }

// List returns the phases so far, in the order in which they began.
func (p *Phases) List() []report.Phase {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []report.Phase
	for _, r := range p.list {
		out = append(out, r.phase)
	}
	return out
}

// Begin implements progress.Log.
func (p *Phases) Begin(name string) progress.Phase {
	r := &recorded{Phase: p.log.Begin(name), of: p, phase: report.Phase{Name: name, Started: time.Now()}}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, r)
	return r
}

type recorded struct {
	progress.Phase
	of    *Phases
	phase report.Phase
}

func (r *recorded) Note(format string, args ...any) {
	r.Phase.Note(format, args...)
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	r.phase.Notes = append(r.phase.Notes, fmt.Sprintf(format, args...))
}

func (r *recorded) End(err error) {
	r.Phase.End(err)
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	r.phase.Took = report.Seconds(time.Since(r.phase.Started))
	if err != nil {
		r.phase.Error = err.Error()
	}
}

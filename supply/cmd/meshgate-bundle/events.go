package main

import (
	"fmt"
	"io"
	"sync"

	"meshgate/framework/progress"
	"meshgate/framework/supplier"
)

// events is a progress.Phase that meshgate shows as its own.
type events struct {
	mu  sync.Mutex
	out io.Writer
}

// phase is where a command tells what it does: to meshgate, or to people under a name.
func (a *app) phase(name string) progress.Phase {
	if a.events {
		return &events{out: a.out}
	}
	return a.log.Begin(name)
}

func (e *events) emit(event supplier.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = supplier.Emit(e.out, event) // progress must not break the work it tells about
}

func (e *events) Waiting(object string) { e.emit(supplier.Event{Waiting: object}) }
func (e *events) Show(s progress.State) { e.emit(supplier.Event{Waiting: s.Object}) }
func (e *events) Note(format string, args ...any) {
	e.emit(supplier.Event{Note: fmt.Sprintf(format, args...)})
}
func (e *events) End(error) {} // what it ended in is the program's last event

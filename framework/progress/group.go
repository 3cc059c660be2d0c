package progress

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Group shows in one phase what several waiters wait for at the same time. It is
// safe for concurrent use.
type Group struct {
	phase Phase

	mu      sync.Mutex
	waiting map[string]string
}

// NewGroup returns a group that shows nothing yet.
func NewGroup(p Phase) *Group { return &Group{phase: p, waiting: map[string]string{}} }

// Waiting says what a waiter waits for, by its own name; nil: for nothing any more.
// The phase shows what the first waiter by name waits for, and how many others wait.
func (g *Group) Waiting(waiter string, missing error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if missing == nil {
		delete(g.waiting, waiter)
	} else {
		g.waiting[waiter] = missing.Error()
	}
	switch names := slices.Sorted(maps.Keys(g.waiting)); len(names) {
	case 0:
	case 1:
		g.phase.Waiting(g.waiting[names[0]])
	default:
		g.phase.Waiting(fmt.Sprintf("%s; and %d more", g.waiting[names[0]], len(names)-1))
	}
}

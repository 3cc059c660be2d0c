package progress

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Group shows in one phase what several concurrent waiters wait for. It is safe for
// concurrent use.
type Group struct {
	phase Phase

	mu      sync.Mutex
	done    string
	waiting map[string]State // by waiter
}

// NewGroup returns a group that shows nothing yet.
func NewGroup(p Phase) *Group { return &Group{phase: p, waiting: map[string]State{}} }

// Waiting sets what the named waiter waits for; nil means that it waits no longer. The
// phase shows the waiter that has waited longest, and the number of the others.
func (g *Group) Waiting(waiter string, missing error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if missing == nil {
		delete(g.waiting, waiter)
	} else {
		w, waits := g.waiting[waiter]
		if !waits {
			w.Since = time.Now()
		}
		w.Object = missing.Error()
		g.waiting[waiter] = w
	}
	g.show()
}

// Done sets how far the group is, such as "5 of 14".
func (g *Group) Done(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done = text
	g.show()
}

func (g *Group) show() {
	var s State
	for _, waiter := range slices.Sorted(maps.Keys(g.waiting)) {
		if w := g.waiting[waiter]; s.Object == "" || w.Since.Before(s.Since) {
			s = w
		}
	}
	s.Done, s.More = g.done, max(0, len(g.waiting)-1)
	g.phase.Show(s)
}

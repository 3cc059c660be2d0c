// Package hold pauses a run where a person wants to look at the mesh, until that person
// continues it.
package hold

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Hold is the one pause of a run. It is safe for concurrent use.
type Hold struct {
	limit time.Duration

	mu       sync.Mutex
	taken    bool
	released chan struct{} // closed by an input line; nil while no caller waits
}

// New returns a pause that lasts no longer than the limit. It reads lines from in at once, so
// that a line which was typed before the pause began does not end it; neither does the end of
// in. in may be nil.
func New(in io.Reader, limit time.Duration) *Hold {
	h := &Hold{limit: limit}
	if in != nil {
		go h.read(in)
	}
	return h
}

func (h *Hold) read(in io.Reader) {
	r := bufio.NewReader(in)
	for {
		_, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue // the line is longer than the buffer
		}
		if err != nil {
			return
		}
		h.mu.Lock()
		if h.released != nil {
			close(h.released)
			h.released = nil
		}
		h.mu.Unlock()
	}
}

// Take reports whether the caller is the first, and so the one that may wait.
func (h *Hold) Take() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !h.taken
	h.taken = true
	return first
}

// Wait calls show with the time at which the limit passes. It returns when a line was read,
// the limit has passed or the context has ended, and says which.
func (h *Hold) Wait(ctx context.Context, show func(until time.Time)) string {
	h.mu.Lock()
	released := make(chan struct{})
	h.released = released
	h.mu.Unlock()
	limit, stop := context.WithTimeout(ctx, h.limit)
	defer stop()
	until, _ := limit.Deadline()
	show(until)
	select {
	case <-released:
		return "released"
	case <-limit.Done():
	}
	if ctx.Err() != nil {
		return context.Cause(ctx).Error()
	}
	return fmt.Sprintf("%s have passed", h.limit)
}

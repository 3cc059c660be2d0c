// Package hold has a run wait where a person wants to look, until that person lets it go.
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

// Hold is one stop of a run. It is safe for concurrent use.
type Hold struct {
	limit time.Duration

	mu       sync.Mutex
	taken    bool
	released chan struct{} // closed by a line; nil while nobody waits for one
}

// New returns a stop that lasts no longer than the limit. Lines of in are read from now
// on, so that one which came before anything was held releases nothing; the end of in
// releases nothing either. Nil has no lines.
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
			continue // of a longer line
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

// Take says whether the caller is the first, who may wait.
func (h *Hold) Take() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !h.taken
	h.taken = true
	return first
}

// Wait calls show with the time at which the limit passes, and returns when a line was
// read, the limit has passed or the context has ended. It says which.
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

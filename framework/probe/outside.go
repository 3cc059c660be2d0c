package probe

import (
	"context"
	"fmt"
	"time"
)

type outside struct{}

// Outside probes from this process: a fresh connection each time, no redirects
// followed, no cookies kept, no proxy from the environment.
func Outside() Prober { return outside{} }

// Do implements Prober.
func (outside) Do(ctx context.Context, r Request) Observation {
	if r.Kind == KindMongoDB {
		return mongoAttempt(ctx, r)
	}
	s := open(ctx, r)
	defer s.close()
	if s.seen.Failure != nil {
		return s.seen
	}
	return s.exchange(ctx, s.plan, false)
}

// exchange makes one request on the connection. It is what a fresh and a held
// connection have in common.
func (s *session) exchange(ctx context.Context, p plan, keep bool) Observation {
	obs := s.seen
	obs.Request, obs.RequestID, obs.Reused = p.summary(), p.RequestID, s.served > 0
	start := s.began
	if obs.Reused {
		start = time.Now()
		obs.At, obs.Timing = stamp(start), Timing{}
	}
	s.served++
	ctx, cancel := context.WithDeadline(ctx, start.Add(p.Timeout))
	defer cancel()
	switch {
	case p.Kind != KindHTTP:
		obs.Failure = s.bytes(ctx, p, &obs)
	case obs.TLS != nil && obs.TLS.ALPN == "h2":
		obs.Failure = s.http2(ctx, p, &obs)
	default:
		obs.Failure = s.http1(ctx, p, &obs, keep)
	}
	if obs.Failure != nil {
		s.end(obs.Failure.Class + ": " + obs.Failure.Message)
	}
	obs.Timing.Total = time.Since(start)
	return obs
}

// end remembers the first reason why the connection cannot be used again.
func (s *session) end(why string) {
	if s.ended == "" {
		s.ended = why
	}
}

// Held is one connection that is kept open for several requests, one at a time.
// It never reconnects: once the peer has ended it, every further Do says so.
type Held struct{ s *session }

// Hold opens a connection and makes r its first request. The Held is nil if that
// one failed; otherwise the caller closes it.
func Hold(ctx context.Context, r Request) (*Held, Observation) {
	s := open(ctx, r)
	if s.seen.Failure != nil {
		s.close()
		return nil, s.seen
	}
	obs := s.exchange(ctx, s.plan, true)
	if obs.Failure != nil {
		s.close()
		return nil, obs
	}
	return &Held{s}, obs
}

// Do makes a further request on the same connection: the Observation's TLS is
// that of its handshake, so the peer's serial is the one that was presented then.
// Connect and TLS of r are ignored.
func (h *Held) Do(ctx context.Context, r Request) Observation {
	p, err := newPlan(r)
	switch {
	case err == nil && (p.Kind != h.s.plan.Kind || p.secure != h.s.plan.secure):
		err = fmt.Errorf("url %q of kind %q on a connection held for %q", r.URL, p.Kind, h.s.plan.URL)
	case err == nil && h.s.ended == "":
		return h.s.exchange(ctx, p, true)
	}
	obs := h.s.seen
	obs.Request, obs.RequestID, obs.Reused = p.summary(), p.RequestID, true
	obs.At, obs.Timing = stamp(time.Now()), Timing{}
	obs.Failure = &Failure{Class: ClassRequest, Phase: PhaseRequest}
	if err != nil {
		obs.Failure.Message = err.Error()
		return obs
	}
	obs.Failure.Class, obs.Failure.Message = ClassClosed, "the held connection has ended: "+h.s.ended
	return obs
}

// Close ends the connection.
func (h *Held) Close() { h.s.close() }

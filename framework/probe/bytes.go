package probe

import (
	"context"
	"errors"
	"io"
	"time"
)

// bytes is the exchange of the kinds tls and tcp: write Body, read up to Read.
func (s *session) bytes(ctx context.Context, p plan, obs *Observation) *Failure {
	defer bind(ctx, s.conn)()
	if p.Body != "" {
		if _, err := io.WriteString(s.conn, p.Body); err != nil {
			return fail(ctx, PhaseWrite, err)
		}
	}
	if p.Read == 0 {
		return nil
	}
	start := time.Now()
	if _, err := s.buf.Peek(1); err != nil {
		return fail(ctx, PhaseResponse, err)
	}
	obs.Timing.FirstByte = time.Since(start)
	body := make([]byte, p.Read)
	n, err := io.ReadFull(s.buf, body)
	obs.Body = body[:n]
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF): // fewer than asked for, then closed: that is all there was
		s.end("the peer closed it")
		return nil
	}
	return fail(ctx, PhaseBody, err)
}

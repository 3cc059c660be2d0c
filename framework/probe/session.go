package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"time"

	"golang.org/x/net/http2"
)

// verdictWait is how long a TLS 1.3 server that asked for a client certificate
// is given to refuse it. Its alert comes after the handshake; once we have
// written more, a reset may overtake it and the refusal would have no name.
const verdictWait = 100 * time.Millisecond

// session is one connection from its dial to its end.
type session struct {
	plan   plan
	conn   net.Conn // the TLS connection if there is one
	wire   *wire    // what is below it
	buf    *bufio.Reader
	h2     *http2.ClientConn
	began  time.Time
	seen   Observation // what the connection itself showed
	served int         // exchanges made
	ended  string      // why there can be no further one
}

// open dials and, if the plan says so, shakes hands. The Observation in the
// session is filled as far as it went; the caller closes the session.
func open(ctx context.Context, r Request) *session {
	s := &session{began: time.Now()}
	var err error
	s.plan, err = newPlan(r)
	s.seen.At, s.seen.Request, s.seen.RequestID = stamp(s.began), s.plan.summary(), s.plan.RequestID
	if err != nil {
		s.seen.Failure = &Failure{Class: ClassRequest, Phase: PhaseRequest, Message: err.Error()}
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, s.plan.Timeout)
	defer cancel()
	if s.seen.Failure = s.dial(ctx); s.seen.Failure == nil && s.plan.secure {
		s.seen.Failure = s.handshake(ctx)
	}
	s.seen.Timing.Total = time.Since(s.began)
	return s
}

// stamp has no monotonic clock, so that it is equal to itself after JSON.
func stamp(t time.Time) time.Time { return t.UTC().Round(0) }

func (s *session) dial(ctx context.Context) *Failure {
	start, resolving := time.Now(), false
	conn, err := s.plan.ports.connect(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { resolving = true },
		DNSDone: func(httptrace.DNSDoneInfo) {
			s.seen.Timing.DNS, resolving = time.Since(start), false
		},
	}), s.plan.dial)
	if err != nil {
		if resolving || classifyNetwork(err) == ClassDNS {
			return fail(ctx, PhaseDNS, err)
		}
		return fail(ctx, PhaseConnect, err)
	}
	s.seen.Timing.Connect = time.Since(start) - s.seen.Timing.DNS
	s.seen.Local, s.seen.Remote = conn.LocalAddr().String(), conn.RemoteAddr().String()
	s.wire = &wire{Conn: conn}
	s.conn, s.buf = s.wire, bufio.NewReader(s.wire)
	return nil
}

func (s *session) handshake(ctx context.Context) *Failure {
	info := &TLSInfo{}
	s.seen.TLS = info
	cfg, err := s.plan.tlsConfig(info)
	if err != nil {
		return &Failure{Class: ClassRequest, Phase: PhaseRequest, Message: err.Error()}
	}
	defer bind(ctx, s.conn)()
	start := time.Now()
	conn := tls.Client(s.conn, cfg)
	if err := conn.Handshake(); err != nil {
		return fail(ctx, PhaseTLS, err)
	}
	s.conn, s.buf = conn, bufio.NewReader(conn)
	s.seen.Timing.TLS = time.Since(start)
	if info.ClientCertRequested && conn.ConnectionState().Version == tls.VersionTLS13 {
		return s.awaitVerdict(ctx)
	}
	return nil
}

func (s *session) awaitVerdict(ctx context.Context) *Failure {
	_ = s.conn.SetReadDeadline(time.Now().Add(verdictWait))
	_, err := s.buf.Peek(1)
	if err == nil || ctx.Err() == nil && classifyTime(ctx, err) == ClassTimeout {
		return nil
	}
	return fail(ctx, PhaseTLS, err)
}

func (s *session) close() {
	if s.conn != nil {
		_ = s.conn.Close() // the observation is made; nothing can be learned from this error
	}
}

// bind makes the end of the context end the connection's reads and writes. The
// function that it returns unbinds them.
func bind(ctx context.Context, conn net.Conn) func() {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return func() {
		if stop() {
			_ = conn.SetDeadline(time.Time{})
		}
	}
}

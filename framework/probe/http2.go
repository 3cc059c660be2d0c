package probe

import (
	"bufio"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http2"
)

// buffered reads what awaitVerdict may have read ahead.
type buffered struct {
	net.Conn
	buf *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.buf.Read(p) }

// http2 speaks on this one connection: a ClientConn, unlike a Transport, neither
// dials again nor repeats a request.
func (s *session) http2(ctx context.Context, p plan, obs *Observation) *Failure {
	if s.h2 == nil {
		cc, err := (&http2.Transport{DisableCompression: true}).NewClientConn(buffered{s.conn, s.buf})
		if err != nil {
			return fail(ctx, PhaseWrite, err)
		}
		s.h2 = cc
	}
	start := time.Now()
	resp, err := s.h2.RoundTrip(p.request(ctx))
	if err != nil {
		return fail(ctx, PhaseResponse, err)
	}
	defer func() { _ = resp.Body.Close() }()
	obs.Timing.FirstByte = time.Since(start)
	f := s.readResponse(ctx, resp, p, obs, false)
	if state := s.h2.State(); state.Closed || state.Closing {
		s.end("the peer closed it (HTTP/2)")
	}
	return f
}

// request carries the target untouched: x/net/http2 takes the scheme and the
// authority off an opaque URL and sends what is left as :path.
func (p plan) request(ctx context.Context) *http.Request {
	header := maps.Clone(p.Header)
	for name := range header {
		if strings.EqualFold(name, "host") {
			delete(header, name)
		}
	}
	req := &http.Request{
		Method: p.Method, Host: p.authority, Header: canonical(header),
		URL: &url.URL{Scheme: "https", Host: p.authority, Opaque: "//" + p.authority + p.target},
	}
	if p.Body != "" {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(p.Body)), int64(len(p.Body))
	}
	return req.WithContext(ctx)
}

// canonical spells names as net/http looks them up; on the wire they are in
// lower case anyway.
func canonical(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		for _, v := range values {
			out.Add(name, v)
		}
	}
	return out
}

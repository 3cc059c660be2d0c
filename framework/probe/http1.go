package probe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	tlsAlertRecord     = 0x15
	tlsHandshakeRecord = 0x16
	alertRecordLength  = 7 // header of 5 bytes, level, description
	maxInterim         = 5 // 1xx answers before the final one
	maxDrain           = 16 << 20
)

// http1 writes the request by hand: net/http would clean the path or refuse it.
func (s *session) http1(ctx context.Context, p plan, obs *Observation, keep bool) *Failure {
	defer bind(ctx, s.conn)()
	start := time.Now()
	if _, err := s.conn.Write(p.wire(keep)); err != nil {
		return fail(ctx, PhaseWrite, err)
	}
	if f := s.firstByte(ctx, p); f != nil {
		return f
	}
	obs.Timing.FirstByte = time.Since(start)
	resp, err := finalResponse(s.buf, p.Method)
	if err != nil {
		return fail(ctx, PhaseResponse, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if keep && resp.Close {
		s.end("the peer said that it would close after the last response")
	}
	return s.readResponse(ctx, resp, p, obs, keep)
}

// wire is the request as it goes out: header names as given, in a fixed order.
func (p plan) wire(keep bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", p.Method, p.target, p.authority)
	for _, name := range slices.Sorted(maps.Keys(p.Header)) {
		for _, v := range p.Header[name] {
			if !strings.EqualFold(name, "host") {
				fmt.Fprintf(&b, "%s: %s\r\n", name, v)
			}
		}
	}
	if p.needsLength() {
		b.WriteString("Content-Length: " + strconv.Itoa(len(p.Body)) + "\r\n")
	}
	if !keep && !hasName(p.Header, "connection") {
		b.WriteString("Connection: close\r\n")
	}
	b.WriteString("\r\n" + p.Body)
	return b.Bytes()
}

func (p plan) needsLength() bool {
	if hasName(p.Header, "content-length") || hasName(p.Header, "transfer-encoding") {
		return false
	}
	return p.Body != "" || slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, p.Method)
}

// firstByte waits for the answer and tells TLS from HTTP.
func (s *session) firstByte(ctx context.Context, p plan) *Failure {
	first, err := s.buf.Peek(1)
	if err != nil {
		return fail(ctx, PhaseResponse, err)
	}
	if p.secure || first[0] != tlsAlertRecord && first[0] != tlsHandshakeRecord {
		return nil
	}
	f := &Failure{Class: ClassPlainOnTLS, Phase: PhaseResponse, Message: "plain HTTP was answered by a TLS record"}
	if record, _ := s.buf.Peek(alertRecordLength); len(record) == alertRecordLength && record[0] == tlsAlertRecord {
		f.Alert = alertName(record[alertRecordLength-1])
	}
	return f
}

// finalResponse passes over interim answers (100, 103).
func finalResponse(buf *bufio.Reader, method string) (*http.Response, error) {
	for range maxInterim {
		resp, err := http.ReadResponse(buf, &http.Request{Method: method})
		if err != nil || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
	return nil, errors.New("no final response after several interim ones")
}

// readResponse is the same for HTTP/1.1 and HTTP/2. With drain, what is beyond the
// limit is read too, because the next response stands behind it.
func (s *session) readResponse(ctx context.Context, resp *http.Response, p plan, obs *Observation, drain bool) *Failure {
	obs.Status, obs.Proto, obs.Header = resp.StatusCode, resp.Proto, resp.Header
	body, err := io.ReadAll(io.LimitReader(resp.Body, p.BodyLimit+1))
	if int64(len(body)) > p.BodyLimit {
		body, obs.Truncated = body[:p.BodyLimit], true
	}
	if len(body) > 0 {
		obs.Body = body
	}
	if err == nil && drain && obs.Truncated {
		err = s.drain(resp.Body)
	}
	if err != nil {
		return fail(ctx, PhaseBody, err)
	}
	return nil
}

func (s *session) drain(body io.Reader) error {
	_, err := io.CopyN(io.Discard, body, maxDrain)
	if errors.Is(err, io.EOF) {
		return nil
	}
	s.end("the last response was too long to read to its end")
	return err
}

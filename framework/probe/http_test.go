package probe

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHTTPShowsTheResponse(t *testing.T) {
	var got *http.Request
	at := plainServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("Location", "/next")
		w.WriteHeader(http.StatusMovedPermanently)
		_, _ = io.WriteString(w, "moved")
	}))
	o := do(t, Request{URL: "http://" + host + "/a?b=c", Connect: at, Header: http.Header{"plan-type": {"gold", "silver"}}})
	succeeded(t, o)
	assert.Equal(t, http.StatusMovedPermanently, o.Status, "redirects are not followed")
	assert.Equal(t, "/next", o.Header.Get("Location"))
	assert.Equal(t, "moved", string(o.Body))
	assert.Equal(t, "HTTP/1.1", o.Proto)
	assert.Equal(t, at, o.Remote)
	assert.Equal(t, host, got.Host)
	assert.Equal(t, "/a?b=c", got.RequestURI)
	assert.Equal(t, []string{"gold", "silver"}, got.Header.Values("Plan-Type"), "a repeated header stays repeated")
	assert.Equal(t, o.RequestID, got.Header.Get(RequestIDHeader))
	assert.Equal(t, UserAgent+" ("+o.RequestID+")", got.UserAgent(), "what is left of the ID behind a gateway")
	assert.Equal(t, got.RemoteAddr, o.Local)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, o.RequestID)
	assert.Positive(t, o.Timing.FirstByte)
	assert.GreaterOrEqual(t, o.Timing.Total, o.Timing.Connect+o.Timing.FirstByte)
}

func TestEachRequestHasItsOwnIDUnlessGiven(t *testing.T) {
	at := plainServer(t, respond(200, ""))
	r := Request{URL: "http://" + at}
	assert.NotEqual(t, do(t, r).RequestID, do(t, r).RequestID)
	r.RequestID = "fixed"
	assert.Equal(t, "fixed", do(t, r).RequestID)
	r.RequestID, r.Header = "", http.Header{"X-Request-Id": {"in the header"}}
	assert.Equal(t, "in the header", do(t, r).RequestID)
}

func TestHostHeaderOverridesTheURL(t *testing.T) {
	at := plainServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) }))
	o := do(t, Request{URL: "http://" + at, Header: http.Header{"Host": {"other.test:81"}}})
	assert.Equal(t, "other.test:81", string(o.Body))
}

func TestBodiesGoBothWays(t *testing.T) {
	at := plainServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Method+" "+string(b))
	}))
	assert.Equal(t, "POST hello", string(do(t, Request{Method: "POST", URL: "http://" + at, Body: "hello"}).Body))
	assert.Equal(t, "PATCH ", string(do(t, Request{Method: "PATCH", URL: "http://" + at}).Body))
}

func TestBodyIsBounded(t *testing.T) {
	at := plainServer(t, respond(200, strings.Repeat("x", 100)))
	o := do(t, Request{URL: "http://" + at, BodyLimit: 10})
	succeeded(t, o)
	assert.Len(t, o.Body, 10)
	assert.True(t, o.Truncated)
	o = do(t, Request{URL: "http://" + at, BodyLimit: 100})
	assert.Len(t, o.Body, 100)
	assert.False(t, o.Truncated)
}

func TestAnswersOfEveryFrame(t *testing.T) {
	for name, tc := range map[string]struct {
		answer, method, body string
		status               int
	}{
		"length":         {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "GET", "ok", 200},
		"chunks":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", "GET", "ok", 200},
		"until closed":   {"HTTP/1.1 200 OK\r\n\r\nok", "GET", "ok", 200},
		"HEAD":           {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "HEAD", "", 200},
		"no content":     {"HTTP/1.1 204 No Content\r\n\r\n", "GET", "", 204},
		"after interims": {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "GET", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			o := do(t, Request{Method: tc.method, URL: "http://" + rawServer(t, answering(tc.answer))})
			succeeded(t, o)
			assert.Equal(t, tc.status, o.Status)
			assert.Equal(t, tc.body, string(o.Body))
		})
	}
}

func TestBrokenAnswers(t *testing.T) {
	for name, tc := range map[string]struct{ answer, class, phase string }{
		"no HTTP":           {"SSH-2.0-x\r\n", ClassMalformed, PhaseResponse},
		"bad status":        {"HTTP/1.1 abc\r\n\r\n", ClassMalformed, PhaseResponse},
		"bad header":        {"HTTP/1.1 200 OK\r\nnocolon\r\n\r\n", ClassMalformed, PhaseResponse},
		"only interims":     {strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 6), ClassMalformed, PhaseResponse},
		"nothing":           {"", ClassClosed, PhaseResponse},
		"half a header":     {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n", ClassClosed, PhaseResponse},
		"half a body":       {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", ClassClosed, PhaseBody},
		"a TLS alert":       {"\x15\x03\x01\x00\x02\x02\x46", ClassPlainOnTLS, PhaseResponse},
		"other TLS records": {"\x16\x03\x01", ClassPlainOnTLS, PhaseResponse},
	} {
		t.Run(name, func(t *testing.T) {
			failed(t, do(t, Request{URL: "http://" + rawServer(t, answering(tc.answer))}), tc.class, tc.phase)
		})
	}
}

func TestPlainOnTLSNamesTheAlert(t *testing.T) {
	o := do(t, Request{URL: "http://" + rawServer(t, answering("\x15\x03\x01\x00\x02\x02\x46"))})
	assert.Equal(t, "protocol_version", o.Failure.Alert)
}

func TestPartOfABodyIsKept(t *testing.T) {
	o := do(t, Request{URL: "http://" + rawServer(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"))})
	assert.Equal(t, 200, o.Status)
	assert.Equal(t, "half", string(o.Body))
}

func TestResetIsNotClosed(t *testing.T) {
	at := rawServer(t, reading(func(_ []byte, c *net.TCPConn) { _ = c.SetLinger(0) }))
	failed(t, do(t, Request{URL: "http://" + at}), ClassReset, PhaseResponse)
}

func TestNoConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	at := l.Addr().String()
	require.NoError(t, l.Close())
	failed(t, do(t, Request{URL: "http://" + at}), ClassRefused, PhaseConnect)
	failed(t, do(t, Request{URL: "http://a..b/"}), ClassDNS, PhaseDNS)
}

func TestTimeouts(t *testing.T) {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	silent := rawServer(t, reading(func([]byte, *net.TCPConn) { <-release }))
	slow := rawServer(t, reading(func(_ []byte, c *net.TCPConn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
		<-release
	}))
	const brief = 50 * time.Millisecond
	failed(t, do(t, Request{URL: "http://" + silent, Timeout: brief}), ClassTimeout, PhaseResponse)
	failed(t, do(t, Request{URL: "http://" + slow, Timeout: brief}), ClassTimeout, PhaseBody)
	failed(t, do(t, Request{URL: "https://" + silent, Timeout: brief}), ClassTimeout, PhaseTLS)

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(brief, cancel)
	failed(t, Outside().Do(ctx, Request{URL: "http://" + silent}), ClassCancelled, PhaseResponse)
	ctx, cancel = context.WithTimeout(t.Context(), brief)
	defer cancel()
	failed(t, Outside().Do(ctx, Request{URL: "http://" + silent}), ClassTimeout, PhaseResponse)
}

func TestProxyOfTheEnvironmentIsIgnored(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	succeeded(t, do(t, Request{URL: "http://" + host, Connect: plainServer(t, respond(200, ""))}))
}

func TestImpossibleRequestsAreNotSent(t *testing.T) {
	for name, r := range map[string]Request{
		"no scheme":            {URL: "api.test/"},
		"other scheme":         {URL: "ftp://api.test/"},
		"scheme of a kind":     {Kind: KindTCP, URL: "http://api.test/"},
		"unknown kind":         {Kind: "udp", URL: "udp://api.test:1"},
		"no port":              {Kind: KindTLS, URL: "tls://api.test"},
		"no host":              {URL: "http:///x"},
		"credentials":          {URL: "http://user:secret@api.test/"},
		"space in target":      {URL: "http://api.test/a b", RawPath: true},
		"newline in target":    {URL: "http://api.test/a\r\nx: y", RawPath: true},
		"newline in header":    {URL: "http://api.test/", Header: http.Header{"x": {"a\r\nb: c"}}},
		"newline in a raw one": {URL: "http://api.test/", RawHeader: true, Header: http.Header{"x": {"a\nb: c"}}},
		"bad value":            {URL: "http://api.test/", Header: http.Header{"x": {"a\x01"}}},
		"bad header name":      {URL: "http://api.test/", Header: http.Header{"a b": {"c"}}},
		"bad method":           {URL: "http://api.test/", Method: "GET /"},
		"bad connect":          {URL: "http://api.test/", Connect: "api.test"},
		"bad version":          {URL: "https://api.test/", Connect: "127.0.0.1:1", TLS: TLSOptions{Min: "1.4"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := do(t, r)
			require.NotNil(t, o.Failure)
			if name == "bad version" { // seen only after the dial
				require.Contains(t, []string{ClassRequest, ClassRefused}, o.Failure.Class)
				return
			}
			assert.Equal(t, ClassRequest, o.Failure.Class, o.Failure.Message)
		})
	}
}

// What a proxy must refuse has to reach it.
func TestRawHeadersAreSentAsTheyAre(t *testing.T) {
	sent := make(chan string, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		buf := make([]byte, 4096)
		n, _ := conn.Read(buf)
		sent <- string(buf[:n])
		_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
		_ = conn.Close()
	}()
	o := do(t, Request{URL: "http://" + l.Addr().String(), RawHeader: true, Header: http.Header{"plan-type": {"gold\x01"}}})
	assert.Equal(t, 400, o.Status)
	assert.Contains(t, <-sent, "plan-type: gold\x01\r\n")
}

func TestSummaryHidesCredentials(t *testing.T) {
	o := do(t, Request{URL: "http://" + plainServer(t, respond(200, "")), Header: http.Header{
		"authorization": {"Bearer secret"}, "Cookie": {"session=secret"}, "x": {"shown"},
	}})
	succeeded(t, o)
	assert.NotContains(t, strings.Join(append(o.Request.Header["authorization"], o.Request.Header["Cookie"]...), ""), "secret")
	assert.Equal(t, []string{"shown"}, o.Request.Header["x"])
}

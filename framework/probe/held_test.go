package probe

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A rotated certificate must not disturb a connection that is open: the held one
// still shows the old serial while a fresh one shows the new.
func TestHeldSurvivesARotation(t *testing.T) {
	ca := newAuthority(t, "ca")
	var current atomic.Pointer[tls.Certificate]
	rotate := func(serial int64) {
		c := ca.issue(leaf{serial: serial, names: []string{host}})
		current.Store(&c)
	}
	rotate(1)
	at := secureServer(t, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*current.Load()}, NextProtos: []string{"h2", "http/1.1"}}, nil
	}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path+" "+r.RemoteAddr) }))
	for n, alpn := range []string{"h2", "http/1.1"} {
		r := Request{URL: "https://" + host + "/one", Connect: at, TLS: TLSOptions{RootsPEM: ca.PEM, ALPN: []string{alpn}}}
		held, first := Hold(t.Context(), r)
		succeeded(t, first)
		assert.False(t, first.Reused)
		before := first.TLS.Peer[0].Serial
		rotate(int64(0x10 + n))
		r.URL = "https://" + host + "/two"
		again, fresh := held.Do(t.Context(), r), do(t, r)
		succeeded(t, again)
		succeeded(t, fresh)
		assert.True(t, again.Reused)
		assert.Equal(t, before, again.TLS.Peer[0].Serial)
		assert.NotEqual(t, before, fresh.TLS.Peer[0].Serial)
		assert.Equal(t, "/two "+first.Local, string(again.Body), "the very same connection")
		assert.NotEqual(t, first.RequestID, again.RequestID)
		assert.Zero(t, again.Timing.Connect)
		held.Close()
	}
}

func TestHeldNeverReconnects(t *testing.T) {
	var accepted atomic.Int32
	at := rawServer(t, func(c *net.TCPConn) {
		accepted.Add(1)
		answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(c)
	})
	r := Request{URL: "http://" + at}
	held, first := Hold(t.Context(), r)
	succeeded(t, first)
	defer held.Close()
	gone := held.Do(t.Context(), r)
	require.NotNil(t, gone.Failure)
	require.Contains(t, []string{ClassClosed, ClassReset}, gone.Failure.Class)
	again := held.Do(t.Context(), r)
	failed(t, again, ClassClosed, PhaseRequest)
	assert.Contains(t, again.Failure.Message, "has ended")
	assert.EqualValues(t, 1, accepted.Load())
	succeeded(t, do(t, r)) // the server was there all the time
}

func TestHeldIsToldThatThePeerWillClose(t *testing.T) {
	at := plainServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }))
	held, first := Hold(t.Context(), Request{URL: "http://" + at})
	succeeded(t, first)
	defer held.Close()
	failed(t, held.Do(t.Context(), Request{URL: "http://" + at}), ClassClosed, PhaseRequest)
}

func TestHeldHTTP2SeesTheServerLeave(t *testing.T) {
	ca := newAuthority(t, "ca")
	server := httptest.NewUnstartedServer(respond(200, ""))
	server.EnableHTTP2, server.TLS = true, serverConfig(ca, leaf{serial: 2, names: []string{host}})
	server.StartTLS()
	t.Cleanup(server.Close)
	r := Request{URL: "https://" + host, Connect: server.Listener.Addr().String(), TLS: TLSOptions{RootsPEM: ca.PEM}}
	held, first := Hold(t.Context(), r)
	succeeded(t, first)
	require.Equal(t, "HTTP/2.0", first.Proto)
	defer held.Close()
	server.CloseClientConnections()
	o := held.Do(t.Context(), r)
	require.NotNil(t, o.Failure)
	assert.Contains(t, []string{ClassClosed, ClassReset}, o.Failure.Class, o.Failure.Message)
}

func TestHeldReadsPastALongBody(t *testing.T) {
	at := plainServer(t, respond(200, strings.Repeat("x", 4096)))
	r := Request{URL: "http://" + at, BodyLimit: 8}
	held, first := Hold(t.Context(), r)
	succeeded(t, first)
	defer held.Close()
	second := held.Do(t.Context(), r)
	succeeded(t, second)
	assert.True(t, second.Truncated)
}

func TestHeldRefusesAnotherKind(t *testing.T) {
	at := plainServer(t, respond(200, ""))
	held, first := Hold(t.Context(), Request{URL: "http://" + at})
	succeeded(t, first)
	defer held.Close()
	failed(t, held.Do(t.Context(), Request{URL: "https://" + at}), ClassRequest, PhaseRequest)
	failed(t, held.Do(t.Context(), Request{URL: "nonsense"}), ClassRequest, PhaseRequest)
	succeeded(t, held.Do(t.Context(), Request{URL: "http://" + at}))
}

func TestHoldSaysWhyItCannot(t *testing.T) {
	held, o := Hold(t.Context(), Request{URL: "http://" + rawServer(t, answering(""))})
	assert.Nil(t, held)
	failed(t, o, ClassClosed, PhaseResponse)
	held, o = Hold(t.Context(), Request{URL: "nonsense"})
	assert.Nil(t, held)
	failed(t, o, ClassRequest, PhaseRequest)
}

func TestTCP(t *testing.T) {
	echo := rawServer(t, func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	hello := rawServer(t, func(c *net.TCPConn) { _, _ = io.WriteString(c, "hello") })
	closing := rawServer(t, func(*net.TCPConn) {})
	o := do(t, Request{Kind: KindTCP, URL: "tcp://" + echo, Body: "ping", Read: 4})
	succeeded(t, o)
	assert.Equal(t, "ping", string(o.Body))
	o = do(t, Request{Kind: KindTCP, URL: "tcp://mongo.test:27017", Connect: hello, Read: 100})
	succeeded(t, o)
	assert.Equal(t, "hello", string(o.Body), "fewer bytes than asked for are all there were")
	succeeded(t, do(t, Request{Kind: KindTCP, URL: "tcp://" + closing}))
	failed(t, do(t, Request{Kind: KindTCP, URL: "tcp://" + closing, Read: 1}), ClassClosed, PhaseResponse)
}

func TestTCPHeld(t *testing.T) {
	at := rawServer(t, func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	r := Request{Kind: KindTCP, URL: "tcp://" + at, Body: "one", Read: 3}
	held, first := Hold(t.Context(), r)
	succeeded(t, first)
	defer held.Close()
	r.Body = "two"
	second := held.Do(t.Context(), r)
	succeeded(t, second)
	assert.Equal(t, "two", string(second.Body))
	assert.Equal(t, first.Local, second.Local)
}

func TestTLSBytes(t *testing.T) {
	ca := newAuthority(t, "ca")
	at := secureServer(t, serverConfig(ca, leaf{serial: 2, names: []string{host}}), respond(200, "x"))
	o := do(t, Request{Kind: KindTLS, URL: "tls://" + host + ":443", Connect: at, TLS: TLSOptions{RootsPEM: ca.PEM},
		Body: "GET / HTTP/1.0\r\n\r\n", Read: 15})
	succeeded(t, o)
	assert.Equal(t, "HTTP/1.0 200 OK", string(o.Body))
	assert.Empty(t, o.TLS.ALPN, "kind tls offers no protocol unless told to")
}

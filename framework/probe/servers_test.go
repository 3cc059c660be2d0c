package probe

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const host = "api.test" // no DNS: every request says where to connect

// secureServer is an HTTPS server of the test's CA, with h2 unless the config
// says otherwise.
func secureServer(t *testing.T, cfg *tls.Config, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are the point
	server.EnableHTTP2 = true
	server.TLS = cfg
	if cfg.NextProtos == nil {
		cfg.NextProtos = []string{"h2", "http/1.1"}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func plainServer(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// rawServer lets the test be the server, byte by byte.
func rawServer(t *testing.T, handle func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				handle(conn.(*net.TCPConn))
			}()
		}
	}()
	return l.Addr().String()
}

// reading takes what the client sends first, then goes on.
func reading(handle func(first []byte, c *net.TCPConn)) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		buf := make([]byte, 64<<10)
		n, err := c.Read(buf)
		if err == nil {
			handle(buf[:n], c)
		}
	}
}

// answering reads the request and writes exactly these bytes.
func answering(answer string) func(*net.TCPConn) {
	return reading(func(_ []byte, c *net.TCPConn) { _, _ = io.WriteString(c, answer) })
}

func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func do(t *testing.T, r Request) Observation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return Outside().Do(ctx, r)
}

// succeeded is the positive control of the tests of refusals.
func succeeded(t *testing.T, o Observation) {
	t.Helper()
	require.Nil(t, o.Failure, "%+v", o.Failure)
}

func failed(t *testing.T, o Observation, class, phase string) {
	t.Helper()
	require.NotNil(t, o.Failure, "status %d, body %q", o.Status, o.Body)
	require.Equal(t, class, o.Failure.Class, o.Failure.Message)
	require.Equal(t, phase, o.Failure.Phase, o.Failure.Message)
}

package probe

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"

	"crypto/tls"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hardPaths are what gateways normalise and clients repair.
var hardPaths = []string{
	"/", "//", "//a//b", "/a/../b", "/a/./b", "/..", "/a%2Fb", "/a%2fb", "/%2e%2e/x", "/a\\b", "/a|b", "/a;b=c",
	"/a?b=c", "/a?", "/a?b=//..%2F", "/my-app/rest/a?b=c&d", "/~x", "/{x}", "/\xc3\xa9",
}

func TestRawPathOverHTTP1(t *testing.T) {
	at := rawServer(t, reading(func(first []byte, c *net.TCPConn) {
		line, _, _ := bytes.Cut(first, []byte("\r\n"))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"+string(line))
	}))
	for _, path := range append(hardPaths, "/%zz", "/a#b", "?x") {
		want := path
		if path == "?x" {
			want = "/?x" // a request target begins with a slash
		}
		o := do(t, Request{URL: "http://" + host + path, Connect: at, RawPath: true})
		succeeded(t, o)
		assert.Equal(t, "GET "+want+" HTTP/1.1", string(o.Body))
	}
}

func TestRawPathOverHTTP2(t *testing.T) {
	ca := newAuthority(t, "ca")
	at := secureServer(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(leaf{serial: 2, names: []string{host}})}},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.Proto+" "+r.Host+" "+r.RequestURI)
		}))
	for _, path := range hardPaths {
		o := do(t, Request{URL: "https://" + host + path, Connect: at, RawPath: true, TLS: TLSOptions{RootsPEM: ca.PEM}})
		succeeded(t, o)
		assert.Equal(t, "HTTP/2.0 "+host+" "+path, string(o.Body))
	}
}

func TestWithoutRawPathTheTargetIsWhatNetURLWrites(t *testing.T) {
	for path, want := range map[string]string{
		"": "/", "?x": "/?x", "/a b": "/a%20b", "/a#frag": "/a", "//a": "//a", "/a%2Fb": "/a%2Fb", "/a/../b": "/a/../b",
	} {
		p, err := newPlan(Request{URL: "http://" + host + path})
		require.NoError(t, err)
		assert.Equal(t, want, p.target, path)
	}
	_, err := newPlan(Request{URL: "http://" + host + "/%zz"})
	assert.ErrorContains(t, err, "rawPath")
}

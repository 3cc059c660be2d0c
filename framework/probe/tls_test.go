package probe

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func serverConfig(ca *authority, l leaf) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{ca.issue(l)}}
}

func TestTLSShowsChainAndParameters(t *testing.T) {
	ca := newAuthority(t, "run CA")
	at := secureServer(t, serverConfig(ca, leaf{serial: 0xabc, names: []string{host, "www.test"}}), respond(200, "hi"))
	o := do(t, Request{URL: "https://" + host + "/", Connect: at, TLS: TLSOptions{RootsPEM: ca.PEM}})
	succeeded(t, o)
	assert.Equal(t, 200, o.Status)
	assert.Equal(t, "HTTP/2.0", o.Proto)
	assert.Equal(t, "1.3", o.TLS.Version)
	assert.Equal(t, "h2", o.TLS.ALPN)
	assert.Equal(t, host, o.TLS.ServerName)
	assert.Empty(t, o.TLS.VerifyError)
	assert.NotEmpty(t, o.TLS.CipherSuite)
	require.Len(t, o.TLS.Peer, 2)
	assert.Equal(t, "abc", o.TLS.Peer[0].Serial)
	assert.Equal(t, []string{host, "www.test"}, o.TLS.Peer[0].DNSNames)
	assert.Equal(t, "ECDSA-P-256", o.TLS.Peer[0].KeyType)
	assert.Equal(t, "CN=run CA", o.TLS.Peer[0].Issuer)
	assert.Len(t, o.TLS.Peer[0].SHA256, 64)
	assert.True(t, o.TLS.Peer[1].IsCA)
	assert.Positive(t, o.Timing.TLS)
}

func TestALPN(t *testing.T) {
	ca := newAuthority(t, "ca")
	at := secureServer(t, serverConfig(ca, leaf{serial: 2, names: []string{host}}), respond(200, ""))
	for want, offer := range map[string][]string{"h2": nil, "http/1.1": {"http/1.1"}, "": {}} {
		o := do(t, Request{URL: "https://" + host, Connect: at, TLS: TLSOptions{RootsPEM: ca.PEM, ALPN: offer}})
		succeeded(t, o)
		assert.Equal(t, want, o.TLS.ALPN)
		assert.Equal(t, want == "h2", o.Proto == "HTTP/2.0")
	}
	o := do(t, Request{URL: "https://" + host, Connect: at, TLS: TLSOptions{RootsPEM: ca.PEM, ALPN: []string{"mongodb"}}})
	failed(t, o, ClassTLSAlert, PhaseTLS)
	assert.Equal(t, "no_application_protocol", o.Failure.Alert)
}

// Old versions must be refused by the server: so the first assertion is that we can
// speak them.
func TestOldVersions(t *testing.T) {
	ca := newAuthority(t, "ca")
	lax, strict := serverConfig(ca, leaf{serial: 2, names: []string{host}}), serverConfig(ca, leaf{serial: 3, names: []string{host}})
	lax.MinVersion, strict.MinVersion = tls.VersionTLS10, tls.VersionTLS12
	laxAt, strictAt := secureServer(t, lax, respond(200, "")), secureServer(t, strict, respond(200, ""))
	for _, version := range []string{"1.0", "1.1"} {
		for _, kind := range []Kind{KindHTTP, KindTLS} {
			r := Request{Kind: kind, URL: "https://" + host, TLS: TLSOptions{RootsPEM: ca.PEM, Max: version, ALPN: []string{"http/1.1"}}}
			r.Connect = laxAt
			o := do(t, r)
			succeeded(t, o)
			assert.Equal(t, version, o.TLS.Version)
			r.Connect = strictAt
			o = do(t, r)
			failed(t, o, ClassTLSAlert, PhaseTLS)
			assert.Equal(t, "protocol_version", o.Failure.Alert)
		}
	}
}

func TestOurOwnRefusalIsNotTheServers(t *testing.T) {
	ca := newAuthority(t, "ca")
	old := serverConfig(ca, leaf{serial: 2, names: []string{host}})
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	at := secureServer(t, old, respond(200, ""))
	// The server answers our 1.2 with its own alert; a server that picks a version
	// that we did not offer is refused by us.
	failed(t, do(t, Request{Kind: KindTLS, URL: "tls://" + at}), ClassTLSAlert, PhaseTLS)
	forced := rawServer(t, answering("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01"+string(make([]byte, 32))+"\x00\xc0\x13\x00"))
	failed(t, do(t, Request{Kind: KindTLS, URL: "tls://" + forced}), ClassTLSLocal, PhaseTLS)
}

func TestVerification(t *testing.T) {
	ca, other := newAuthority(t, "ca"), newAuthority(t, "other")
	good := secureServer(t, serverConfig(ca, leaf{serial: 2, names: []string{host}}), respond(200, ""))
	expired := secureServer(t, serverConfig(ca, leaf{serial: 3, names: []string{host}, expired: true}), respond(200, ""))
	for name, tc := range map[string]struct {
		at, cause string
		opts      TLSOptions
	}{
		"good":               {good, "", TLSOptions{RootsPEM: ca.PEM}},
		"wrong CA":           {good, VerifyUnknownAuthority, TLSOptions{RootsPEM: other.PEM}},
		"system's CAs":       {good, VerifyUnknownAuthority, TLSOptions{}},
		"wrong name":         {good, VerifyName, TLSOptions{RootsPEM: ca.PEM, ServerName: "other.test"}},
		"wrong CA and name":  {good, VerifyUnknownAuthority, TLSOptions{RootsPEM: other.PEM, ServerName: "other.test"}},
		"other name checked": {good, "", TLSOptions{RootsPEM: ca.PEM, ServerName: "other.test", VerifyName: host}},
		"no SNI":             {good, "", TLSOptions{RootsPEM: ca.PEM, NoSNI: true}},
		"expired":            {expired, VerifyExpired, TLSOptions{RootsPEM: ca.PEM}},
	} {
		t.Run(name, func(t *testing.T) {
			r := Request{URL: "https://" + host, Connect: tc.at, TLS: tc.opts}
			o := do(t, r)
			require.Len(t, o.TLS.Peer, 2, "the chain is shown, trusted or not")
			assert.Equal(t, tc.cause, o.TLS.VerifyCause)
			if tc.cause == "" {
				succeeded(t, o)
				return
			}
			failed(t, o, ClassTLSVerify, PhaseTLS)
			assert.Zero(t, o.Status)
			r.TLS.SkipVerify = true
			o = do(t, r)
			succeeded(t, o)
			assert.Equal(t, 200, o.Status)
			assert.Equal(t, tc.cause, o.TLS.VerifyCause, "said even if it is not acted upon")
			assert.NotEmpty(t, o.TLS.VerifyError)
		})
	}
}

func TestSNIIsIndependentOfHost(t *testing.T) {
	ca := newAuthority(t, "ca")
	certs := map[string]tls.Certificate{
		"a.test": ca.issue(leaf{serial: 0xa, names: []string{"a.test"}}),
		"b.test": ca.issue(leaf{serial: 0xb, names: []string{"b.test"}}),
	}
	at := secureServer(t, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if c, ok := certs[h.ServerName]; ok {
			return &tls.Config{Certificates: []tls.Certificate{c}, NextProtos: []string{"h2", "http/1.1"}}, nil
		}
		return nil, errors.New("no such name")
	}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) }))
	for _, alpn := range []string{"h2", "http/1.1"} {
		o := do(t, Request{URL: "https://a.test/", Connect: at, TLS: TLSOptions{RootsPEM: ca.PEM, ServerName: "b.test", ALPN: []string{alpn}}})
		succeeded(t, o)
		assert.Equal(t, "b", o.TLS.Peer[0].Serial)
		assert.Equal(t, "a.test", string(o.Body))
	}
	for _, opts := range []TLSOptions{{ServerName: "c.test"}, {NoSNI: true}} {
		o := do(t, Request{URL: "https://a.test/", Connect: at, TLS: opts})
		failed(t, o, ClassTLSAlert, PhaseTLS)
		assert.Equal(t, opts.ServerName, o.TLS.ServerName)
	}
}

func TestHandshakeCutShort(t *testing.T) {
	closing := rawServer(t, reading(func([]byte, *net.TCPConn) {}))
	resetting := rawServer(t, reading(func(_ []byte, c *net.TCPConn) { _ = c.SetLinger(0) }))
	unread := rawServer(t, func(c *net.TCPConn) { // closes with our bytes unread, as Envoy does without a matching filter chain
		_, _ = io.ReadFull(c, make([]byte, 1))
	})
	plain := plainServer(t, respond(200, ""))
	failed(t, do(t, Request{Kind: KindTLS, URL: "tls://" + closing}), ClassClosed, PhaseTLS)
	failed(t, do(t, Request{Kind: KindTLS, URL: "tls://" + resetting}), ClassReset, PhaseTLS)
	failed(t, do(t, Request{Kind: KindTLS, URL: "tls://" + unread}), ClassReset, PhaseTLS)
	assert.True(t, do(t, Request{Kind: KindTLS, URL: "tls://" + closing}).Failure.Severed())
	assert.True(t, do(t, Request{Kind: KindTLS, URL: "tls://" + resetting}).Failure.Severed())
	failed(t, do(t, Request{Kind: KindTLS, URL: "tls://" + plain}), ClassTLSNotTLS, PhaseTLS)
	assert.False(t, do(t, Request{Kind: KindTLS, URL: "tls://" + plain}).Failure.Severed())
	assert.False(t, (*Failure)(nil).Severed())
}

func TestPlainHTTPOnATLSPort(t *testing.T) {
	ca := newAuthority(t, "ca")
	at := secureServer(t, serverConfig(ca, leaf{serial: 2, names: []string{host}}), respond(200, ""))
	o := do(t, Request{URL: "http://" + host, Connect: at})
	succeeded(t, o) // Go's server is polite: it answers in plain
	assert.Equal(t, 400, o.Status)
	assert.Nil(t, o.TLS)
}

func TestClientCertificates(t *testing.T) {
	ca, other := newAuthority(t, "ca"), newAuthority(t, "other")
	right, rightKey := ca.pemPair(leaf{serial: 7})
	wrong, wrongKey := other.pemPair(leaf{serial: 8})
	for _, version := range []string{"1.2", "1.3"} {
		cfg := serverConfig(ca, leaf{serial: 2, names: []string{host}})
		cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, ca.pool()
		at := secureServer(t, cfg, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].SerialNumber.String())
		}))
		for _, kind := range []Kind{KindHTTP, KindTLS} {
			opts := TLSOptions{RootsPEM: ca.PEM, Max: version}
			r := Request{Kind: kind, URL: "https://" + host, Connect: at, TLS: opts}
			none := do(t, r)
			failed(t, none, ClassTLSAlert, PhaseTLS)
			assert.Equal(t, map[string]string{"1.2": "handshake_failure", "1.3": "certificate_required"}[version], none.Failure.Alert)
			assert.True(t, none.TLS.ClientCertRequested)
			r.TLS.CertPEM, r.TLS.KeyPEM = wrong, wrongKey
			refused := do(t, r)
			failed(t, refused, ClassTLSAlert, PhaseTLS)
			assert.Equal(t, "unknown_ca", refused.Failure.Alert)
			r.TLS.CertPEM, r.TLS.KeyPEM = right, rightKey
			o := do(t, r)
			succeeded(t, o)
			if kind == KindHTTP {
				assert.Equal(t, "7", string(o.Body))
			}
		}
	}
}

func TestBadTLSOptionsAreSaid(t *testing.T) {
	at := rawServer(t, func(*net.TCPConn) {})
	for name, opts := range map[string]TLSOptions{
		"version":  {Max: "2.0"},
		"range":    {Min: "1.3", Max: "1.2"},
		"roots":    {RootsPEM: "none"},
		"key pair": {CertPEM: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			failed(t, do(t, Request{Kind: KindTLS, URL: "tls://" + at, TLS: opts}), ClassRequest, PhaseRequest)
		})
	}
}

func TestHTTP2Aborts(t *testing.T) {
	ca := newAuthority(t, "ca")
	at := secureServer(t, serverConfig(ca, leaf{serial: 2, names: []string{host}}),
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	r := Request{URL: "https://" + host, Connect: at, TLS: TLSOptions{RootsPEM: ca.PEM}}
	failed(t, do(t, r), ClassReset, PhaseResponse)
	r.TLS.ALPN = []string{"http/1.1"}
	failed(t, do(t, r), ClassClosed, PhaseResponse)
}

func TestHTTP2Body(t *testing.T) {
	ca := newAuthority(t, "ca")
	at := secureServer(t, serverConfig(ca, leaf{serial: 2, names: []string{host}}),
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, r.Header.Get("X-Plan")+string(b))
		}))
	o := do(t, Request{Method: "POST", URL: "https://a.test", Connect: at, Body: "body", BodyLimit: 6,
		Header: http.Header{"x-plan": {"gold"}, "host": {host}}, TLS: TLSOptions{RootsPEM: ca.PEM, ServerName: host}})
	succeeded(t, o)
	assert.Equal(t, "goldbo", string(o.Body))
	assert.True(t, o.Truncated)
}

func TestAlertNamesAreThoseOfTheRFC(t *testing.T) {
	for code, want := range map[uint8]string{70: "protocol_version", 112: "unrecognized_name", 200: "alert(200)"} {
		name, ok := remoteAlert(&net.OpError{Op: "remote error", Err: tls.AlertError(code)})
		assert.True(t, ok)
		assert.Equal(t, want, name)
	}
	_, ok := remoteAlert(&net.OpError{Op: "local error", Err: tls.AlertError(70)})
	assert.False(t, ok, "our own alert is not the server's")
}

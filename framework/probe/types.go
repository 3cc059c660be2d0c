// Package probe makes one HTTP, TLS, TCP or MongoDB attempt and says what happened.
//
// A probe never judges: a refusal, a broken handshake and a 503 are all
// Observations, and framework/expect decides which of them was wanted. The same
// code runs in the test process (Outside) and in a pod (Inside, by way of the
// agent image), so both sides speak of the same fields.
package probe

import (
	"context"
	"net/http"
	"time"
)

// Kind is how far a probe goes.
type Kind string

// The kinds of probe. The empty Kind means KindHTTP.
const (
	KindHTTP Kind = "http" // request and response; https:// URLs do TLS first
	KindTLS  Kind = "tls"  // connect and handshake; bytes only if Body or Read say so
	KindTCP  Kind = "tcp"  // connect; bytes only if Body or Read say so
	// KindMongoDB reads a collection by the official driver, see MongoOptions.
	KindMongoDB Kind = "mongodb"
)

// Defaults of a Request that leaves the field empty.
const (
	DefaultTimeout   = 10 * time.Second
	DefaultBodyLimit = 256 << 10
	UserAgent        = "meshgate-probe/1" // see UserAgentOf
)

// UserAgentOf is the user agent of the request with this ID: gateways hand it on,
// while they replace the ID itself.
func UserAgentOf(requestID string) string { return UserAgent + " (" + requestID + ")" }

// RequestIDHeader carries Request.RequestID. A sidecar keeps and logs it, but a
// gateway gives every request from outside an ID of its own: so the ID stands in the
// default user-agent too, which Envoy's text format logs at every hop that hands it
// on. The applications of ours answer with the header as it reached them.
const RequestIDHeader = "x-request-id"

// Request says what to attempt.
type Request struct {
	ports *ports // of the agent that makes it; nil: as the kernel gives them

	Kind   Kind   `json:"kind,omitempty"`
	Method string `json:"method,omitempty"` // GET if empty
	// URL is http://, https://, or for the other kinds tls:// and tcp:// with a
	// port, and mongodb:// or, with TLS, mongodb+tls:// whose path is a database and
	// a collection. Its host is the Host header (:authority); a "Host" in Header wins.
	URL string `json:"url"`
	// Header is sent with names and order of values as written; nothing is
	// added but x-request-id and, where missing, user-agent with the ID in it.
	Header http.Header `json:"header,omitempty"`
	// Body is sent with the request; for tls and tcp it is what is written first.
	Body string `json:"body,omitempty"`
	// Connect is the host:port to dial instead of the URL's, so no DNS is needed.
	Connect string `json:"connect,omitempty"`
	// Timeout bounds the whole attempt (JSON: milliseconds, "timeoutMs").
	Timeout time.Duration `json:"timeoutMs,omitempty"`
	TLS     TLSOptions    `json:"tls,omitzero"`
	// RawPath sends everything after the URL's authority byte for byte as the
	// request target ("//", "..", "%2F", "|" untouched). Without it the target is
	// the one that net/url would write.
	RawPath bool `json:"rawPath,omitempty"`
	// RawHeader sends header values byte for byte, also those that HTTP forbids; only
	// what ends a line is refused. Over HTTP/2 they are refused all the same.
	RawHeader bool `json:"rawHeader,omitempty"`
	// RequestID is sent as x-request-id; a fresh UUID if empty.
	RequestID string `json:"requestId,omitempty"`
	// BodyLimit is how many bytes of the response body are kept (256 KiB if 0).
	BodyLimit int64 `json:"bodyLimit,omitempty"`
	// Read is for tls and tcp: read until so many bytes came or the peer closed.
	// 0 reads nothing. A peer that closes before the first byte is a Failure.
	Read  int          `json:"read,omitempty"`
	Mongo MongoOptions `json:"mongo,omitzero"`
}

// TLSOptions are the client's side of the handshake.
type TLSOptions struct {
	ServerName string   `json:"serverName,omitempty"` // SNI, and the name verified; the URL's host if empty
	NoSNI      bool     `json:"noSni,omitempty"`      // send no SNI; still verify the name
	VerifyName string   `json:"verifyName,omitempty"` // verify this name instead of the SNI
	ALPN       []string `json:"alpn"`                 // kind http: h2 and http/1.1 if nil; an empty list offers none
	Min        string   `json:"min,omitempty"`        // "1.0".."1.3"; 1.2 if empty (or Max, if that is lower)
	Max        string   `json:"max,omitempty"`        // "1.0".."1.3"; 1.3 if empty
	RootsPEM   string   `json:"rootsPem,omitempty"`   // trusted CAs; the system's if empty
	SkipVerify bool     `json:"skipVerify,omitempty"` // go on after a failed verification; VerifyError is filled all the same
	CertPEM    string   `json:"certPem,omitempty"`    // client certificate
	KeyPEM     string   `json:"keyPem,omitempty"`
}

// Prober makes attempts. Do never returns an error: what went wrong is part of
// the Observation.
type Prober interface {
	Do(ctx context.Context, r Request) Observation
}

// GET is the Request for a plain GET of url.
func GET(url string) Request { return Request{Kind: KindHTTP, Method: http.MethodGet, URL: url} }

// WithHeader is the request with one more header, whose name is sent as written. Values
// that it has by this name stay.
func (r Request) WithHeader(name, value string) Request {
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header[name] = append(header[name], value)
	r.Header = header
	return r
}

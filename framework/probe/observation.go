package probe

import (
	"net/http"
	"time"
)

// Observation is everything that one attempt showed. It survives JSON unchanged.
type Observation struct {
	Request RequestSummary `json:"request"`
	// Status is the HTTP status; 0 if no response came.
	Status int         `json:"status,omitempty"`
	Proto  string      `json:"proto,omitempty"` // "HTTP/1.1", "HTTP/2.0"; "MongoDB 7.0.14"
	Header http.Header `json:"header,omitempty"`
	// Body is at most Request.BodyLimit bytes, or what a tls or tcp probe read, or the
	// documents of a collection.
	Body      Bytes    `json:"body,omitempty"`
	Truncated bool     `json:"truncated,omitempty"` // the body was longer
	TLS       *TLSInfo `json:"tls,omitempty"`       // nil if no TLS was attempted
	Timing    Timing   `json:"timing,omitzero"`
	Local     string   `json:"local,omitempty"`  // our host:port; the gateway's log calls it the downstream remote address
	Remote    string   `json:"remote,omitempty"` // the host:port reached
	// Connections are our ends of all that a mongodb probe opened, in order.
	Connections []string `json:"connections,omitempty"`
	// Wire is how the latest of them began; nil for other kinds of probe.
	Wire *Wire `json:"wire,omitempty"`
	// Reused says that a held connection served this request, which was not its first.
	Reused  bool     `json:"reused,omitempty"`
	Failure *Failure `json:"failure,omitempty"` // nil if a response (or the handshake, or the connection) was had in full
	// RequestID is what was sent as x-request-id.
	RequestID string    `json:"requestId,omitempty"`
	At        time.Time `json:"at"` // when the attempt began, UTC
}

// RequestSummary is the Request without its secrets and its body.
type RequestSummary struct {
	Kind       Kind        `json:"kind"`
	Method     string      `json:"method,omitempty"`
	URL        string      `json:"url"`
	Connect    string      `json:"connect,omitempty"`
	ServerName string      `json:"serverName,omitempty"` // SNI sent; empty if none
	Header     http.Header `json:"header,omitempty"`     // Authorization and Cookie values are replaced
	Via        string      `json:"via,omitempty"`        // "outside", or "namespace/pod/container"
}

// TLSInfo is what the handshake showed, also when it failed: whatever the peer
// had sent until then is here.
type TLSInfo struct {
	Version     string     `json:"version,omitempty"`     // "1.0".."1.3"
	CipherSuite string     `json:"cipherSuite,omitempty"` // IANA name
	ALPN        string     `json:"alpn,omitempty"`        // what the server chose
	ServerName  string     `json:"serverName,omitempty"`  // SNI sent; empty if none
	Peer        []CertInfo `json:"peer,omitempty"`        // the chain as presented, leaf first
	VerifyError string     `json:"verifyError,omitempty"` // empty if the chain and the name verified
	VerifyCause string     `json:"verifyCause,omitempty"` // one of the Verify… constants
	// ClientCertRequested says that the server asked for a client certificate.
	ClientCertRequested bool `json:"clientCertRequested,omitempty"`
}

// Why a chain did not verify.
const (
	VerifyUnknownAuthority = "unknown-authority" // also self-signed
	VerifyName             = "name"              // no SAN matches
	VerifyExpired          = "expired"           // or not yet valid
	VerifyOther            = "other"
)

// CertInfo describes one certificate.
type CertInfo struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	DNSNames  []string  `json:"dnsNames,omitempty"`
	IPs       []string  `json:"ips,omitempty"`
	URIs      []string  `json:"uris,omitempty"` // SPIFFE IDs of workloads
	Serial    string    `json:"serial"`         // lower-case hex, no leading zeros
	KeyType   string    `json:"keyType"`        // "RSA-2048", "ECDSA-P-256", "Ed25519"
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	IsCA      bool      `json:"isCa,omitempty"`
	SHA256    string    `json:"sha256"` // of the DER, lower-case hex
}

// Timing is how long the parts took; in JSON milliseconds with microsecond
// precision ("connectMs": 1.25). A part that did not happen is 0.
type Timing struct {
	DNS       time.Duration `json:"dnsMs"`
	Connect   time.Duration `json:"connectMs"` // after DNS
	TLS       time.Duration `json:"tlsMs"`
	FirstByte time.Duration `json:"firstByteMs"` // from the request's first byte to the response's header
	Total     time.Duration `json:"totalMs"`     // from the start to the last byte of the body
}

// Failure says why the attempt has no (whole) result.
type Failure struct {
	Class   string `json:"class"` // one of the Class… constants
	Phase   string `json:"phase"` // one of the Phase… constants
	Message string `json:"message"`
	Alert   string `json:"alert,omitempty"` // class tls-alert: RFC 8446's name, "protocol_version"
}

// Failure classes: what a client can tell from outside.
const (
	ClassDNS         = "dns"            // the name did not resolve
	ClassRefused     = "refused"        // RST in answer to the SYN
	ClassUnreachable = "unreachable"    // no route to host or network
	ClassReset       = "reset"          // RST on an established connection; HTTP/2: RST_STREAM
	ClassClosed      = "closed"         // FIN (EOF) before the answer was whole; HTTP/2: GOAWAY
	ClassTimeout     = "timeout"        // Request.Timeout or the context's deadline passed
	ClassCancelled   = "cancelled"      // the context was cancelled
	ClassTLSAlert    = "tls-alert"      // the SERVER refused by an alert, see Alert
	ClassTLSVerify   = "tls-verify"     // WE did not trust the chain or the name, see TLS.VerifyCause
	ClassTLSNotTLS   = "tls-not-tls"    // the peer answered a ClientHello with something else
	ClassTLSLocal    = "tls-local"      // WE refused for another reason: a version, a cipher, our own options
	ClassPlainOnTLS  = "plain-on-tls"   // the peer answered plain HTTP with a TLS record
	ClassMalformed   = "http-malformed" // the answer is no HTTP
	ClassAuth        = "auth"           // the server did not know the user, or not with this password
	ClassRequest     = "request"        // the Request itself is not possible; nothing was sent
	ClassAgent       = "agent"          // the agent in the pod could not be run
	ClassOther       = "other"
)

// Severed says that the peer ended the connection without a word: reset or closed.
// Which of the two is seen depends on whether the peer had read all that we sent, so
// a refusal of Envoy's (no filter chain for the SNI, BlackHoleCluster) is now the one
// and now the other.
func (f *Failure) Severed() bool {
	return f != nil && (f.Class == ClassReset || f.Class == ClassClosed)
}

// Phases: where it failed.
const (
	PhaseRequest  = "request" // before anything was sent
	PhaseDNS      = "dns"
	PhaseConnect  = "connect"
	PhaseTLS      = "tls"      // the handshake
	PhaseWrite    = "write"    // writing the request
	PhaseResponse = "response" // waiting for the response's header
	PhaseBody     = "body"     // reading the body
	PhaseAuth     = "auth"
	PhaseAgent    = "agent"
)

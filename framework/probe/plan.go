package probe

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// plan is a Request with its defaults filled and its URL taken apart.
type plan struct {
	Request
	secure    bool   // TLS before anything else
	host      string // of the URL, without port
	port      string // of the URL, or its scheme's
	authority string // Host header, :authority
	target    string // request target, as it will be on the wire
	dial      string // host:port
}

// schemes says which URL schemes a kind takes, whether they mean TLS, and the
// port that they imply.
var schemes = map[Kind]map[string]struct {
	secure bool
	port   string
}{
	KindHTTP: {"http": {false, "80"}, "https": {true, "443"}},
	KindTLS:  {"tls": {true, ""}, "https": {true, "443"}},
	KindTCP:  {"tcp": {false, ""}},

	KindMongoDB: {"mongodb": {false, "27017"}, "mongodb+tls": {true, "27017"}},
}

func newPlan(r Request) (plan, error) {
	p := plan{Request: r}
	p.Kind = cmp.Or(p.Kind, KindHTTP)
	p.Timeout = cmp.Or(p.Timeout, DefaultTimeout)
	p.BodyLimit = cmp.Or(p.BodyLimit, DefaultBodyLimit)
	p.RequestID = cmp.Or(p.RequestID, firstValue(r.Header, RequestIDHeader), newRequestID())
	if p.Kind == KindHTTP {
		p.Method = cmp.Or(p.Method, http.MethodGet)
		p.Header = p.headers()
	}
	if err := p.locate(); err != nil {
		return p, err
	}
	return p, p.check()
}

// headers adds the two that every request of ours carries.
func (p plan) headers() http.Header {
	h := maps.Clone(p.Header)
	if h == nil {
		h = http.Header{}
	}
	if firstValue(h, RequestIDHeader) == "" {
		h[RequestIDHeader] = []string{p.RequestID}
	}
	if !hasName(h, "user-agent") {
		h["user-agent"] = []string{UserAgentOf(p.RequestID)}
	}
	return h
}

// locate takes the URL apart by hand: net/url would refuse or repair some of the
// paths that a probe is there to send.
func (p *plan) locate() error {
	scheme, rest, ok := strings.Cut(p.URL, "://")
	known, fits := schemes[p.Kind][scheme]
	if !ok || !fits {
		return fmt.Errorf("url %q: want a scheme of %q for kind %q", p.URL, slices.Sorted(maps.Keys(schemes[p.Kind])), p.Kind)
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	u, err := url.Parse("//" + rest[:end])
	if err != nil || u.Hostname() == "" || u.User != nil {
		return fmt.Errorf("url %q: want host or host:port after the scheme (credentials go into a header), got %q", p.URL, rest[:end])
	}
	p.secure, p.host, p.authority = known.secure, u.Hostname(), u.Host
	if host := firstValue(p.Header, "host"); host != "" {
		p.authority = host
	}
	p.port = cmp.Or(u.Port(), known.port)
	if err := p.address(); err != nil {
		return err
	}
	p.target, err = p.requestTarget(rest[end:])
	return err
}

func (p *plan) address() error {
	p.dial = p.Connect
	if p.dial == "" {
		p.dial = net.JoinHostPort(p.host, p.port)
	}
	if _, port, err := net.SplitHostPort(p.dial); err != nil || port == "" {
		return fmt.Errorf("address %q: want host:port (of url %q, or set connect)", p.dial, p.URL)
	}
	return nil
}

// requestTarget is what stands in the request line, "/" for an empty path.
func (p *plan) requestTarget(rest string) (string, error) {
	if !strings.HasPrefix(rest, "/") {
		rest = "/" + rest
	}
	if p.RawPath {
		return rest, nil
	}
	u, err := url.Parse(rest)
	if err == nil && strings.HasPrefix(rest, "//") {
		u, err = url.Parse("x://x" + rest) // "//a" alone would be read as an authority
	}
	if err != nil {
		return "", fmt.Errorf("url %q: %w (set rawPath to send it as it is)", p.URL, err)
	}
	return u.RequestURI(), nil
}

// check refuses what would make one request read as two, or as none.
func (p plan) check() error {
	if strings.ContainsFunc(p.target, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return fmt.Errorf("url %q: a request target cannot hold spaces or control characters", p.URL)
	}
	if p.Kind == KindHTTP && !httpguts.ValidHeaderFieldName(p.Method) {
		return fmt.Errorf("method %q: want a token", p.Method)
	}
	for name, values := range p.Header {
		if !httpguts.ValidHeaderFieldName(name) || slices.ContainsFunc(values, p.badValue) {
			return fmt.Errorf("header %q with values %q cannot be sent", name, values)
		}
	}
	if p.Read < 0 || p.BodyLimit < 0 || p.Timeout < 0 {
		return errors.New("read, bodyLimit and timeout cannot be negative")
	}
	return nil
}

func (p plan) badValue(v string) bool {
	if p.RawHeader {
		return strings.ContainsAny(v, "\r\n")
	}
	return !httpguts.ValidHeaderFieldValue(v)
}

// summary is what the Observation says about the request.
func (p plan) summary() RequestSummary {
	s := RequestSummary{Kind: p.Kind, Method: p.Method, URL: p.URL, Connect: p.Connect, Header: maps.Clone(p.Header), Via: "outside"}
	if p.secure {
		s.ServerName = p.sni()
	}
	for name := range s.Header {
		switch strings.ToLower(name) {
		case "authorization", "proxy-authorization", "cookie":
			s.Header[name] = []string{"(redacted)"}
		}
	}
	return s
}

// firstValue finds a header however its name is written: a Request keeps the
// spelling that it was given.
func firstValue(h http.Header, name string) string {
	for k, v := range h {
		if strings.EqualFold(k, name) && len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

func hasName(h http.Header, name string) bool {
	for k := range h {
		if strings.EqualFold(k, name) {
			return true
		}
	}
	return false
}

// newRequestID is a random UUID (version 4), the form that Envoy makes itself.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

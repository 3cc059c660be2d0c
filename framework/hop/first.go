package hop

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"meshgate/framework/accesslog"
	"meshgate/framework/expect"
	"meshgate/framework/probe"
)

// Case is a failed assertion about one request.
type Case struct {
	// Wrong are the mismatches; the first decides the verdict.
	Wrong []*expect.Mismatch
	// Seen is the client's observation, Line the access-log line that was judged; either may
	// be nil.
	Seen *probe.Observation
	Line *accesslog.Line
	// Read is the name of the proxy whose access log was read; empty when none was.
	Read string
	// Path is the request's path: the records of the proxies, as returned by Follow.
	Path []Record
	// Gateways are the names of the gateways that clients reach from outside, by address.
	Gateways map[string]string
}

// fieldLines is the field of a mismatch in the number of access-log lines.
const fieldLines = "access-log lines"

// Verdict names the first wrong hop.
type Verdict struct {
	// Hop is the name of a proxy, "client", or "server" for the server behind the last proxy.
	// It is empty if the records do not show the hop.
	Hop string
	// At is the index of the hop's record in Case.Path, or -1 if it has none.
	At int
	// Sentence says what the hop did, and what was wanted.
	Sentence string
}

// Traceable reports whether the case is about a request or a log, so that it has a path.
func (c Case) Traceable() bool {
	return c.Seen != nil || c.Line != nil || len(c.Wrong) > 0 && c.Wrong[0].Field == fieldLines
}

// Entered is nil when the gateway that the client reached has an access-log line of the
// request, or the client reached none. The gateway may write its line later than the hops
// behind it.
func (c Case) Entered() error {
	if c.Seen == nil {
		return nil
	}
	gateway, ok := c.gatewayAt(c.Seen.Remote)
	if !ok || slices.ContainsFunc(c.Path, func(r Record) bool { return r.Proxy.Name == gateway }) {
		return nil
	}
	return fmt.Errorf("%s has no access-log line of the request", gateway)
}

// gatewayAt returns the gateway that clients reach at an address.
func (c Case) gatewayAt(address string) (name string, ok bool) {
	host, _, _ := net.SplitHostPort(address)
	name, ok = c.Gateways[host]
	return name, ok
}

// First names the first wrong hop:
//   - a wrong access-log line counts against the proxy that wrote it; a missing line counts
//     against the proxy whose log was read, or against the hop that sent the request elsewhere;
//   - a response to a request that should have been refused counts against the last gateway in
//     the path, or else the first proxy;
//   - a wrong response counts against the hop that generated it: one that contacted no
//     upstream, or that changed the status of the hop behind it;
//   - headers that only the mesh adds to a response count against the first proxy, and what
//     the server received against the last;
//   - TLS as seen by the client counts against a gateway, or else the server.
func (c Case) First() Verdict {
	if len(c.Wrong) == 0 {
		return Verdict{At: -1}
	}
	m := c.Wrong[0]
	switch {
	case c.Line != nil:
		return c.at(c.indexOf(*c.Line))
	case m.Field == fieldLines:
		return c.unlogged()
	case c.Seen == nil:
		return Verdict{At: -1}
	case strings.HasPrefix(string(m.Field), "received "):
		return c.at(c.changed(string(m.Field)))
	case ofTLS(string(m.Field)) || c.Seen.Failure != nil && c.Seen.Failure.Phase == probe.PhaseTLS:
		return c.terminating()
	case c.Seen.Failure != nil:
		return c.broken()
	case refusalWanted(m):
		return c.at(c.refusing())
	case byTheMesh(string(m.Field)):
		return c.entry()
	}
	return c.at(c.answering())
}

// at is the verdict on a record or, beyond the last record, on the server.
func (c Case) at(i int) Verdict {
	if i < 0 || i >= len(c.Path) {
		return c.server()
	}
	r := c.Path[i]
	return Verdict{r.Proxy.Name, i, c.says(fmt.Sprintf("%s (%s) %s", r.Proxy.Name, r.Proxy.Where(), Did(r.Line)))}
}

// server is the verdict on a server that answered behind the last proxy, or without any
// proxy.
func (c Case) server() Verdict {
	if len(c.Path) == 0 {
		return c.unseen()
	}
	last := c.Path[len(c.Path)-1].Line
	return Verdict{"server", -1, c.says(fmt.Sprintf("the server %s, behind the last proxy, gave the answer", orUnknown(last.UpstreamHost)))}
}

// unseen is the verdict on a request without any access-log line: a gateway writes no line
// about a connection that carried no request.
func (c Case) unseen() Verdict {
	if c.Seen == nil {
		return Verdict{At: -1}
	}
	to := cmp.Or(c.Seen.Remote, c.Seen.Request.Connect)
	did := "was reached"
	if f := c.Seen.Failure; f != nil {
		did = fmt.Sprintf("was tried, which failed in phase %s by %s", f.Phase, f.Class)
	}
	if gateway, ok := c.gatewayAt(to); ok {
		return c.silent(gateway, did, to)
	}
	return Verdict{"client", -1, c.says(fmt.Sprintf("%s %s by the client, and no proxy has an access-log line of the request", orUnknown(to), did))}
}

// silent is the verdict on a gateway that was reached and has no access-log line.
func (c Case) silent(gateway, did, at string) Verdict {
	return Verdict{gateway, -1, c.says(fmt.Sprintf("%s %s at %s, and has no access-log line of the request", gateway, did, at))}
}

// entry is the verdict on the first proxy. If only the hops behind the gateway have written
// lines, it is the gateway that the client reached.
func (c Case) entry() Verdict {
	if c.Entered() != nil {
		gateway, _ := c.gatewayAt(c.Seen.Remote)
		return c.silent(gateway, "was reached", c.Seen.Remote)
	}
	return c.at(0)
}

// says appends what was wanted.
func (c Case) says(did string) string { return did + ", where " + c.Wrong[0].Error() }

func (c Case) indexOf(l accesslog.Line) int {
	return slices.IndexFunc(c.Path, func(r Record) bool { return r.Line.Raw == l.Raw })
}

// unlogged is the verdict on a proxy whose log does not have the wanted number of lines.
func (c Case) unlogged() Verdict {
	if c.Read == "" {
		return Verdict{At: -1}
	}
	if i := slices.IndexFunc(c.Path, func(r Record) bool { return r.Proxy.Name == c.Read }); i >= 0 || len(c.Path) == 0 {
		return Verdict{c.Read, i, c.says("the access log of " + c.Read + " has the wrong lines")}
	}
	// The request did not pass the proxy whose log was read: the last known hop of it sent it
	// elsewhere.
	i := 0
	for n := next(c.Path, i); n > i; n = next(c.Path, i) {
		i = n
	}
	v := c.at(i)
	v.Sentence = c.says(fmt.Sprintf("%s (%s) %s, and not to %s", v.Hop, c.Path[i].Proxy.Where(), Did(c.Path[i].Line), c.Read))
	return v
}

// changed is the index of the first proxy that was sent another target than the client
// requested. If there is none it is the last proxy, because that one wrote what the server
// received.
func (c Case) changed(field string) int {
	if field == "received target" || field == "received path" {
		path := target(c.Seen.Request.URL)
		for i, r := range c.Path {
			if r.Line.Path != path {
				return max(0, i-1) // a line has the path after the proxy's rewrite, or as the proxy received it
			}
		}
	}
	return len(c.Path) - 1
}

// target is the part of a URL after its authority.
func target(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	_, path, _ := strings.Cut(rest, "/")
	return "/" + path
}

// terminating is the verdict on the hop at which the client's TLS ends.
func (c Case) terminating() Verdict {
	if len(c.Path) > 0 && (c.Path[0].Proxy.Gateway || c.Entered() != nil) {
		return c.entry()
	}
	if t := c.Seen.TLS; len(c.Path) > 0 && t != nil && len(t.Peer) > 0 {
		return Verdict{"server", -1, c.says(fmt.Sprintf("the server at %s, behind the last proxy, presented %s", orUnknown(c.Seen.Remote), t.Peer[0].Subject))}
	}
	return c.broken() // no certificate was presented yet
}

// broken is the verdict on a request that ended without response: the last hop that it
// reached.
func (c Case) broken() Verdict {
	if len(c.Path) == 0 {
		return c.unseen()
	}
	return c.at(c.answering())
}

// refusing is the hop that should refuse the request: the last gateway, or else the first
// proxy.
func (c Case) refusing() int {
	for i, r := range slices.Backward(c.Path) {
		if r.Proxy.Gateway {
			return i
		}
	}
	return 0
}

// answering is the index of the hop that generated the response, or len(c.Path) for the
// server.
func (c Case) answering() int {
	i := 0
	for i < len(c.Path) {
		l := c.Path[i].Line
		n := next(c.Path, i)
		switch {
		case !passedOn(l), n > i && c.Path[n].Line.Status != l.Status && isHTTP(l) && isHTTP(c.Path[n].Line):
			return i
		case n <= i:
			return len(c.Path)
		}
		i = n
	}
	return i
}

// passedOn reports whether the proxy passed on the response of an upstream.
func passedOn(l accesslog.Line) bool {
	return set(l.UpstreamHost) && !set(l.UpstreamTransportFailure) && (!isHTTP(l) || l.Details == "via_upstream" || !set(l.Details) && !set(l.Flags))
}

// refusalWanted reports whether the request was meant to fail.
func refusalWanted(m *expect.Mismatch) bool {
	switch m.Field {
	case "failure", "failed during", "made by":
		return true
	case "status":
		return !strings.HasPrefix(m.Want, "2") && strings.HasPrefix(m.Got, "2")
	}
	return false
}

// byTheMesh reports whether a header is one that proxies add and applications do not.
func byTheMesh(field string) bool {
	name := http.CanonicalHeaderKey(field)
	return name == "Location" || name == "Server" || name == "Vary" || strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "X-Envoy-")
}

func ofTLS(field string) bool {
	return strings.HasPrefix(field, "certificate ") || strings.HasPrefix(field, "TLS ") || field == "ALPN" || field == "verification cause"
}

func orUnknown(address string) string {
	if !set(address) {
		return "an unknown address"
	}
	return address
}

// Did summarizes what a proxy did with a request, by its access-log line.
func Did(l accesslog.Line) string {
	to := fmt.Sprintf("%s (%s)", l.UpstreamHost, orDash(l.UpstreamCluster))
	switch {
	case isHTTP(l) && !set(l.UpstreamHost):
		return fmt.Sprintf("answered %d itself%s", l.Status, why(l))
	case isHTTP(l) && passedOn(l):
		return fmt.Sprintf("passed on the %d of %s", l.Status, to)
	case isHTTP(l):
		return fmt.Sprintf("answered %d for %s%s", l.Status, to, why(l))
	case !set(l.UpstreamHost):
		return "ended the connection and contacted no upstream" + why(l)
	case set(l.UpstreamTransportFailure):
		return fmt.Sprintf("could not talk to %s%s", to, why(l))
	}
	return fmt.Sprintf("connected it to %s, %d bytes received and %d sent%s", to, l.BytesReceived, l.BytesSent, why(l))
}

// why has the reasons in a line, in parentheses.
func why(l accesslog.Line) string {
	var out []string
	for _, r := range []struct{ name, value string }{
		{"flags", l.Flags}, {"", l.Details}, {"", l.ConnectionTermination}, {"", l.UpstreamTransportFailure}, {"route", l.RouteName}} {
		if set(r.value) && r.value != "default" {
			out = append(out, strings.TrimSpace(r.name+" "+r.value))
		}
	}
	if !set(l.UpstreamHost) && set(l.UpstreamCluster) {
		out = append(out, "cluster "+l.UpstreamCluster)
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, ", ") + ")"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

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
	// Wrong are the mismatches; the first decides.
	Wrong []*expect.Mismatch
	// Seen is the client's observation, Line the line that was judged; either may be nil.
	Seen *probe.Observation
	Line *accesslog.Line
	// Read is the name of the proxy whose access log was read; empty: none was.
	Read string
	// Way is what the proxies wrote, as Follow picks it.
	Way []Record
	// Gateways are those that clients reach from outside, by address.
	Gateways map[string]string
}

// fieldLines is the mismatch of how many lines a log has.
const fieldLines = "access-log lines"

// Verdict is the first hop that is wrong.
type Verdict struct {
	// Hop is its name: that of a proxy, "client", or "server" for what stands behind the
	// last proxy. It is empty where the records do not tell.
	Hop string
	// At is its record's place in Case.Way, or -1 where it has none.
	At int
	// Sentence says what it did, and what was wanted.
	Sentence string
}

// Traceable says that the case is about a request or a log, and so has a way.
func (c Case) Traceable() bool {
	return c.Seen != nil || c.Line != nil || len(c.Wrong) > 0 && c.Wrong[0].Field == fieldLines
}

// Entered says that the gateway which the client reached, if it did reach one, has a line
// of the request: it may write it later than the hops behind it.
func (c Case) Entered() error {
	if c.Seen == nil {
		return nil
	}
	gateway, ok := c.gatewayAt(c.Seen.Remote)
	if !ok || slices.ContainsFunc(c.Way, func(r Record) bool { return r.Proxy.Name == gateway }) {
		return nil
	}
	return fmt.Errorf("%s has no line of it", gateway)
}

// gatewayAt is the gateway that clients reach at an address.
func (c Case) gatewayAt(address string) (name string, ok bool) {
	host, _, _ := net.SplitHostPort(address)
	name, ok = c.Gateways[host]
	return name, ok
}

// First names the first hop that is wrong:
//   - a line that is wrong is its proxy's; a line that is missing is missing at the proxy
//     that was asked, or the request was sent elsewhere by the hop before;
//   - what should have been refused, and was answered, was let through by the last gateway
//     on the way, or else by the first proxy;
//   - a wrong answer is of the hop that made it: that asked nobody, or was told another
//     status by the hop behind it;
//   - what only the mesh adds to an answer is of the first proxy, what reached the server
//     of the last;
//   - the end of TLS that the client sees is at a gateway, or else at the server.
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
	case strings.HasPrefix(m.Field, "received "):
		return c.at(c.changed(m.Field))
	case ofTLS(m.Field) || c.Seen.Failure != nil && c.Seen.Failure.Phase == probe.PhaseTLS:
		return c.terminating()
	case c.Seen.Failure != nil:
		return c.broken()
	case refusalWanted(m):
		return c.at(c.refusing())
	case byTheMesh(m.Field):
		return c.entry()
	}
	return c.at(c.answering())
}

// at is the verdict on a record, or on the server behind them all.
func (c Case) at(i int) Verdict {
	if i < 0 || i >= len(c.Way) {
		return c.server()
	}
	r := c.Way[i]
	return Verdict{r.Proxy.Name, i, c.says(fmt.Sprintf("%s (%s) %s", r.Proxy.Name, r.Proxy.Where(), Did(r.Line)))}
}

// server is the verdict on what answered behind the last proxy, or without any.
func (c Case) server() Verdict {
	if len(c.Way) == 0 {
		return c.unseen()
	}
	last := c.Way[len(c.Way)-1].Line
	return Verdict{"server", -1, c.says(fmt.Sprintf("the server %s, behind every proxy, gave the answer", orUnknown(last.UpstreamHost)))}
}

// unseen is the verdict on what no proxy wrote down: a gateway writes nothing of a
// connection on which nothing was asked.
func (c Case) unseen() Verdict {
	if c.Seen == nil {
		return Verdict{At: -1}
	}
	to := cmp.Or(c.Seen.Remote, c.Seen.Request.Connect)
	did := "was reached"
	if f := c.Seen.Failure; f != nil {
		did = fmt.Sprintf("was tried, which ended in %s by %s", f.Phase, f.Class)
	}
	if gateway, ok := c.gatewayAt(to); ok {
		return c.silent(gateway, did, to)
	}
	return Verdict{"client", -1, c.says(fmt.Sprintf("%s %s by the client, and no proxy has a line of it", orUnknown(to), did))}
}

// silent is the verdict on a gateway that has no line of what came to it.
func (c Case) silent(gateway, did, at string) Verdict {
	return Verdict{gateway, -1, c.says(fmt.Sprintf("%s %s at %s, and has no line of it", gateway, did, at))}
}

// entry is the verdict on the first proxy: the gateway that the client reached, also where
// only the hops behind it have written their lines.
func (c Case) entry() Verdict {
	if c.Entered() != nil {
		gateway, _ := c.gatewayAt(c.Seen.Remote)
		return c.silent(gateway, "was reached", c.Seen.Remote)
	}
	return c.at(0)
}

// says adds what was wanted.
func (c Case) says(did string) string { return did + ", where " + c.Wrong[0].Error() }

func (c Case) indexOf(l accesslog.Line) int {
	return slices.IndexFunc(c.Way, func(r Record) bool { return r.Line.Raw == l.Raw })
}

// unlogged is about a proxy whose log has not the lines that it must have.
func (c Case) unlogged() Verdict {
	if c.Read == "" {
		return Verdict{At: -1}
	}
	if i := slices.IndexFunc(c.Way, func(r Record) bool { return r.Proxy.Name == c.Read }); i >= 0 || len(c.Way) == 0 {
		return Verdict{c.Read, i, c.says("the log of " + c.Read + " is not as it must be")}
	}
	// It went some way, and not by the proxy that was read: the last that is known of it
	// sent it elsewhere.
	i := 0
	for n := next(c.Way, i); n > i; n = next(c.Way, i) {
		i = n
	}
	v := c.at(i)
	v.Sentence = c.says(fmt.Sprintf("%s (%s) %s, and not to %s", v.Hop, c.Way[i].Proxy.Where(), Did(c.Way[i].Line), c.Read))
	return v
}

// changed is the first proxy that was sent another target than the client asked for, or
// the last: it is the one that wrote what the server received.
func (c Case) changed(field string) int {
	if field == "received target" || field == "received path" {
		path := target(c.Seen.Request.URL)
		for i, r := range c.Way {
			if r.Line.Path != path {
				return max(0, i-1) // a proxy's line has what it made of the path, or what it was sent
			}
		}
	}
	return len(c.Way) - 1
}

// target is what follows a URL's authority.
func target(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	_, path, _ := strings.Cut(rest, "/")
	return "/" + path
}

// terminating is where the client's TLS ends.
func (c Case) terminating() Verdict {
	if len(c.Way) > 0 && (c.Way[0].Proxy.Gateway || c.Entered() != nil) {
		return c.entry()
	}
	if t := c.Seen.TLS; len(c.Way) > 0 && t != nil && len(t.Peer) > 0 {
		return Verdict{"server", -1, c.says(fmt.Sprintf("the server at %s, behind every proxy, presented %s", orUnknown(c.Seen.Remote), t.Peer[0].Subject))}
	}
	return c.broken() // nobody has presented anything yet
}

// broken is where a request ended without an answer: at the last hop that it came to.
func (c Case) broken() Verdict {
	if len(c.Way) == 0 {
		return c.unseen()
	}
	return c.at(c.answering())
}

// refusing is the hop that decides what goes on: the last gateway, or else the first proxy.
func (c Case) refusing() int {
	for i, r := range slices.Backward(c.Way) {
		if r.Proxy.Gateway {
			return i
		}
	}
	return 0
}

// answering is the hop that made the answer, or len(c.Way) for the server.
func (c Case) answering() int {
	i := 0
	for i < len(c.Way) {
		l := c.Way[i].Line
		n := next(c.Way, i)
		switch {
		case !passedOn(l), n > i && c.Way[n].Line.Status != l.Status && isHTTP(l) && isHTTP(c.Way[n].Line):
			return i
		case n <= i:
			return len(c.Way)
		}
		i = n
	}
	return i
}

// passedOn says that the answer was that of an upstream.
func passedOn(l accesslog.Line) bool {
	return set(l.UpstreamHost) && !set(l.UpstreamTransportFailure) && (!isHTTP(l) || l.Details == "via_upstream" || !set(l.Details) && !set(l.Flags))
}

// refusalWanted says that no success was wanted.
func refusalWanted(m *expect.Mismatch) bool {
	switch m.Field {
	case "failure", "failed during", "made by":
		return true
	case "status":
		return !strings.HasPrefix(m.Want, "2") && strings.HasPrefix(m.Got, "2")
	}
	return false
}

// byTheMesh says that a header is one that proxies add and applications do not.
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

// Did says in short what a proxy did with a request, by its line.
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
		return "ended the connection and asked nobody" + why(l)
	case set(l.UpstreamTransportFailure):
		return fmt.Sprintf("could not talk to %s%s", to, why(l))
	}
	return fmt.Sprintf("connected it to %s, %d bytes received and %d sent%s", to, l.BytesReceived, l.BytesSent, why(l))
}

// why is what a line gives as reasons, in brackets.
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

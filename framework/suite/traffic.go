package suite

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"time"

	"meshgate/framework/accesslog"
	"meshgate/framework/expect"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/wait"
)

// clockSlack allows for clocks of nodes that are behind ours.
const clockSlack = 2 * time.Second

// exchanged is a request and what came back.
type exchanged struct {
	request probe.Request
	seen    probe.Observation
}

func (e *Env) remember(r probe.Request, o probe.Observation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.traffic = append(e.traffic, exchanged{r, o})
}

// answered are the exchanges that ended in an HTTP response.
func (e *Env) answered() []exchanged {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []exchanged
	for _, x := range e.traffic {
		if x.seen.Status != 0 {
			out = append(out, x)
		}
	}
	return out
}

// linesIn reads a log. A line that looks like one of the access log and cannot be read is
// a mismatch, never left out: it may be the one that is asked for.
func linesIn(log []byte) ([]accesslog.Line, error) {
	lines, unparsed, err := accesslog.Scan(bytes.NewReader(log))
	if err != nil {
		return nil, Broken(err)
	}
	if len(unparsed) > 0 {
		return nil, &expect.Mismatch{Field: "access-log format", Want: "a line as Istio writes it", Got: unparsed[0]}
	}
	return lines, nil
}

// Seen are the answers that the feature got, in the order in which they came.
func (e *Env) Seen() []probe.Observation {
	var out []probe.Observation
	for _, x := range e.answered() {
		out = append(out, x.seen)
	}
	return out
}

// everyRequestLogged is the last step of each feature: whatever the client was
// answered stands in the gateway's log exactly once, and says the same.
func everyRequestLogged() Step {
	return Logged("every request stands in the gateway's access log once", func(probe.Observation, accesslog.Line) error { return nil })
}

// Logged asserts of every request that the feature made and that was answered that
// the gateway's log has exactly one line of it, which says what the client saw, and
// of that line what check says.
func Logged(name string, check func(probe.Observation, accesslog.Line) error) Step {
	return Step{Name: name, kind: assertion, needs: mesh.AccessLog, run: func(ctx context.Context, e *Env) (result, error) {
		return e.until(ctx, wait.Deadline{Name: name, Within: e.Budget.LogFlush}, func(ctx context.Context, e *Env) error {
			return e.eachLogged(ctx, check)
		})
	}}
}

// LoggedOnce is the bare condition of Logged.
func (e *Env) LoggedOnce(ctx context.Context) error {
	return e.eachLogged(ctx, func(probe.Observation, accesslog.Line) error { return nil })
}

func (e *Env) eachLogged(ctx context.Context, check func(probe.Observation, accesslog.Line) error) error {
	lines, err := e.Through("").Lines(ctx)
	if err != nil {
		return err
	}
	for _, x := range e.answered() {
		err := expect.ExactlyOne(lines, append(asSeen(x), func(l accesslog.Line) error { return check(x.seen, l) })...)
		if err != nil {
			return expect.Of(x.seen, err)
		}
	}
	return nil
}

// Of picks the lines of the request that was answered so.
func Of(o probe.Observation) expect.LineCheck {
	return func(l accesslog.Line) error {
		if len(accesslog.Find([]accesslog.Line{l}, o.RequestID)) == 1 {
			return nil
		}
		return &expect.Mismatch{Field: "log request ID or user agent", Want: o.RequestID, Got: l.RequestID + " " + l.UserAgent}
	}
}

// asSeen is what the gateway's line must say about an exchange. A raw path is
// left out: the gateway logs it as normalised, and the feature that sends raw
// paths asserts the normal form.
func asSeen(x exchanged) []expect.LineCheck {
	checks := []expect.LineCheck{
		Of(x.seen),
		expect.MethodIs(x.seen.Request.Method),
		expect.StatusIs(x.seen.Status),
		expect.AuthorityIs(authority(x.request)),
	}
	if u, err := url.Parse(x.request.URL); err == nil && !x.request.RawPath {
		checks = append(checks, expect.PathIs(target(u)))
	}
	return checks
}

func authority(r probe.Request) string {
	if h := r.Header.Get("Host"); h != "" {
		return h
	}
	rest := r.URL[strings.Index(r.URL, "://")+len("://"):]
	host, _, _ := strings.Cut(rest, "/")
	return host
}

func target(u *url.URL) string {
	if t := u.RequestURI(); t != "" {
		return t
	}
	return "/"
}

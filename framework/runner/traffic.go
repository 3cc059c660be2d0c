package runner

import (
	"bytes"
	"context"
	"fmt"
	"meshgate/framework/suite"
	"net/url"
	"strings"
	"time"

	"meshgate/framework/accesslog"
	"meshgate/framework/expect"
	"meshgate/framework/probe"
)

// clockSlack allows for clocks of nodes that are behind ours.
const clockSlack = 2 * time.Second

// exchanged is a request and what came back.
type exchanged struct {
	request probe.Request
	seen    probe.Observation
}

func (e *environment) remember(r probe.Request, o probe.Observation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.traffic = append(e.traffic, exchanged{r, o})
}

// answered are the exchanges that ended in an HTTP response.
func (e *environment) answered() []exchanged {
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
		return nil, suite.Infrastructure(err)
	}
	if len(unparsed) > 0 {
		return nil, &expect.Mismatch{Field: expect.FieldLogFormat, Want: "a line as Istio writes it", Got: unparsed[0]}
	}
	return lines, nil
}

func (e *environment) Seen() []probe.Observation {
	var out []probe.Observation
	for _, x := range e.answered() {
		out = append(out, x.seen)
	}
	return out
}

func (e *environment) KeepExchange(name string, o probe.Observation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.named[name] = o
}

func (e *environment) Exchanged(name string) (probe.Observation, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	o, ok := e.named[name]
	if !ok {
		return o, suite.Infrastructure(fmt.Errorf("no exchange was named %q: an earlier step must ask with As(%q)", name, name))
	}
	return o, nil
}

func (e *environment) LoggedOnce(ctx context.Context, also func(probe.Observation) []expect.LineCheck) error {
	lines, err := e.Through("").Lines(ctx)
	if err != nil {
		return err
	}
	for _, x := range e.answered() {
		checks := asSeen(x)
		if also != nil {
			checks = append(checks, also(x.seen)...)
		}
		if err := expect.ExactlyOne(lines, checks...); err != nil {
			return expect.Of(x.seen, err)
		}
	}
	return nil
}

// asSeen is what the gateway's line must say about an exchange. A raw path is
// left out: the gateway logs it as normalised, and the feature that sends raw
// paths asserts the normal form.
func asSeen(x exchanged) []expect.LineCheck {
	checks := []expect.LineCheck{
		suite.Of(x.seen),
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

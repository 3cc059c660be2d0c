package suite

import (
	"context"
	"fmt"

	"meshgate/framework/accesslog"
	"meshgate/framework/expect"
	"meshgate/framework/probe"
)

// ProxyOf names a proxy before the feature runs: Sidecar and GatewayProxy make it.
type ProxyOf func(Env) Proxy

// Sidecar is the proxy beside an application, which is the value of the label "app"; the
// namespace is readable.
func Sidecar(namespace, app string) ProxyOf {
	return func(e Env) Proxy { return e.Sidecar(namespace, app) }
}

// GatewayProxy is the proxy of a gateway, by the name that Env.Gateway takes.
func GatewayProxy(gateway string) ProxyOf {
	return func(e Env) Proxy { return e.Through(gateway) }
}

// Line is a condition on lines of an access log.
type Line struct {
	proxy  ProxyOf
	of     string // the named exchange; empty: any line since the feature began
	pick   func(probe.Observation) expect.LineCheck
	checks []expect.LineCheck
	late   []func(Env) expect.LineCheck
	fields []expect.Field
}

// LineOf wants the proxy's access log to have exactly one line of the exchange of that name
// (see Exchange.As), and this line to pass all the checks.
func LineOf(exchange string, proxy ProxyOf, checks ...expect.LineCheck) Line {
	return Line{proxy: proxy, of: exchange, pick: Of, checks: checks}
}

// LineOfConnection is LineOf for an exchange that the proxy logs as a TCP connection, which
// has no request ID: the line is picked by both ends of the client's connection.
func LineOfConnection(exchange string, proxy ProxyOf, checks ...expect.LineCheck) Line {
	return Line{proxy: proxy, of: exchange, pick: connectionOf, checks: checks}
}

// LineOfAny wants at least one line since the feature began that passes all the checks.
func LineOfAny(proxy ProxyOf, checks ...expect.LineCheck) Line {
	return Line{proxy: proxy, checks: checks}
}

// Lines wants exactly so many lines since the feature began that pass the first check, and
// each of them to pass the others.
func Lines(want int, proxy ProxyOf, checks ...expect.LineCheck) Condition {
	return That(func(ctx context.Context, e Env) error {
		lines, err := proxy(e).Lines(ctx)
		if err != nil {
			return err
		}
		return expect.Lines(lines, want, checks...)
	}, expect.LineFields(checks...)...)
}

// With adds a check that only the run can make, for what only the run knows: addresses,
// the names of gateways. The fields are those of the check.
func (l Line) With(check func(Env) expect.LineCheck, fields ...expect.Field) Line {
	l.late = append(l.late[:len(l.late):len(l.late)], check)
	l.fields = fieldsOf(l.fields, fields)
	return l
}

// Look reads the log.
func (l Line) Look(ctx context.Context, e Env) (any, error) {
	checks := l.checks
	for _, late := range l.late {
		checks = append(checks[:len(checks):len(checks)], late(e))
	}
	if l.of != "" {
		seen, err := e.Exchanged(l.of)
		if err != nil {
			return nil, err
		}
		checks = append([]expect.LineCheck{l.pick(seen)}, checks...)
	}
	lines, err := l.proxy(e).Lines(ctx)
	switch {
	case err != nil:
		return nil, err
	case l.of == "":
		return nil, expect.SomeOf(lines, checks...)
	}
	if err := expect.ExactlyOne(lines, checks...); err != nil {
		return nil, fmt.Errorf("%s: %w", l.of, err)
	}
	return nil, nil
}

// Fields are those of the checks, and that of the number of lines.
func (l Line) Fields() []expect.Field {
	fields := fieldsOf(l.fields, expect.LineFields(l.checks...))
	if l.of != "" {
		fields = fieldsOf(fields, l.pick(probe.Observation{}).Fields())
	}
	return fields
}

// connectionOf passes the lines of the connection that the client had.
func connectionOf(o probe.Observation) expect.LineCheck {
	return expect.ConnectionIs(o.Local, o.Remote)
}

// Of passes the lines of the request that was answered so, by its request ID.
func Of(o probe.Observation) expect.LineCheck {
	return expect.LineCheckOf([]expect.Field{expect.FieldLogRequestIDOrUserAgent}, func(l accesslog.Line) error {
		if len(accesslog.Find([]accesslog.Line{l}, o.RequestID)) == 1 {
			return nil
		}
		return &expect.Mismatch{Field: expect.FieldLogRequestIDOrUserAgent, Want: o.RequestID, Got: l.RequestID + " " + l.UserAgent}
	})
}

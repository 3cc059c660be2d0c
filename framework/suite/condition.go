package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
)

// Condition is what a step wants. The runner looks at it, as often as the step says.
type Condition interface {
	// Look looks once. The error wraps an *expect.Mismatch where the mesh is wrong; any
	// other error says nothing about the mesh. seen is what was observed, for the report;
	// nil where the error itself carries it.
	Look(ctx context.Context, e Env) (seen any, err error)
	// Fields are the fields of the mismatches that Look can return.
	Fields() []expect.Field
}

// That is a condition that the suite evaluates itself, and the fields that it can find
// wrong. It is for what no Exchange and no line of a log can say.
func That(holds func(context.Context, Env) error, fields ...expect.Field) Condition {
	return that{holds, fields}
}

type that struct {
	holds  func(context.Context, Env) error
	fields []expect.Field
}

func (c that) Look(ctx context.Context, e Env) (any, error) { return nil, c.holds(ctx, e) }
func (c that) Fields() []expect.Field                       { return c.fields }

// Not wants a mismatch of the condition. An error that is no mismatch stays an error.
func Not(c Condition) Condition {
	return That(func(ctx context.Context, e Env) error {
		_, err := c.Look(ctx, e)
		switch {
		case err == nil:
			return errors.New("the condition still holds, want it not to")
		case len(expect.Mismatches(err)) == 0:
			return err
		}
		return nil
	})
}

// All wants every one of the conditions, looked at in this order, and stops at the first
// that is not met.
func All(conditions ...Condition) Condition {
	var fields []expect.Field
	for _, c := range conditions {
		fields = append(fields, c.Fields()...)
	}
	return That(func(ctx context.Context, e Env) error {
		for _, c := range conditions {
			if _, err := c.Look(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}, fields...)
}

// InConfigDump wants a text in the configuration that an Envoy works with. The part is one
// of the resources of Envoy's config_dump, such as "dynamic_listeners"; empty means all.
func InConfigDump(proxy ProxyOf, part, text string) Condition {
	return That(func(ctx context.Context, e Env) error {
		path := "config_dump"
		if part != "" {
			path += "?resource=" + part
		}
		dump, err := proxy(e).Admin(ctx, path)
		if err == nil && !strings.Contains(dump, text) {
			err = fmt.Errorf("config_dump of the proxy does not contain %q", text)
		}
		return err
	})
}

// ControlPlaneNames wants istiod's log to have a warning or an error which names the
// credential, as in: invalid certificates: … "kubernetes://rotation": pem decode failed.
func ControlPlaneNames(credential func(Env) string) Condition {
	return That(func(ctx context.Context, e Env) error {
		log, err := e.ControlPlaneLog(ctx)
		if err != nil {
			return err
		}
		secret := "kubernetes://" + credential(e)
		for line := range strings.Lines(string(log)) {
			if strings.Contains(line, secret) && (strings.Contains(line, "\terror\t") || strings.Contains(line, "\twarn\t")) {
				return nil
			}
		}
		return &expect.Mismatch{Field: expect.FieldControlPlaneLog, Want: "a warning or an error about secret " + credential(e), Got: "none"}
	}, expect.FieldControlPlaneLog)
}

// fieldsOf joins fields, each once.
func fieldsOf(lists ...[]expect.Field) []expect.Field {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

// LoggedOnce is the bare condition of Logged.
func LoggedOnce(also func(probe.Observation) []expect.LineCheck, fields ...expect.Field) Condition {
	return That(func(ctx context.Context, e Env) error { return e.LoggedOnce(ctx, also) },
		fieldsOf(fields, expect.LineFields(expect.MethodIs(""), expect.StatusIs(0), expect.AuthorityIs(""), expect.PathIs("")))...)
}

// StatIs wants one of the statistics that a proxy keeps of a cluster to have a value, see
// Proxy.Stat.
func StatIs(field expect.Field, proxy ProxyOf, cluster, stat string, want int) Condition {
	return That(func(ctx context.Context, e Env) error {
		got, err := proxy(e).Stat(ctx, cluster, stat)
		if err != nil || got == want {
			return err
		}
		return &expect.Mismatch{Field: field, Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
	}, field)
}

// ConnectedTo wants the proxy to have opened a connection to a cluster at some time, see
// Proxy.Opened.
func ConnectedTo(field expect.Field, proxy ProxyOf, cluster string) Condition {
	return That(func(ctx context.Context, e Env) error {
		n, err := proxy(e).Opened(ctx, cluster)
		if err != nil || n > 0 {
			return err
		}
		return &expect.Mismatch{Field: field, Want: "some to " + cluster, Got: "none"}
	}, field)
}

// UpstreamTotal wants the sum of a figure over the endpoints of a proxy's cluster to have a
// value, see Proxy.Upstreams.
func UpstreamTotal(field expect.Field, proxy ProxyOf, cluster func(Env) string, of func(mesh.Upstream) int, want int) Condition {
	return That(func(ctx context.Context, e Env) error {
		upstreams, err := proxy(e).Upstreams(ctx, cluster(e))
		if err != nil {
			return err
		}
		got := of(mesh.Sum(upstreams))
		if got == want {
			return nil
		}
		return &expect.Mismatch{Field: field, Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
	}, field)
}

package tlsorigination

import (
	"context"
	"fmt"
	"net"
	"slices"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// meanwhile changes something just before a step, and waits until the agent is answered
// as it must be after that.
func (w *outside) meanwhile(before, name, field string, change func(context.Context, *suite.Env) error, r func(*suite.Env) probe.Request, after expect.Check) suite.Sabotage {
	return suite.Meddle(before, name, field, func(ctx context.Context, e *suite.Env) error {
		if err := change(ctx, e); err != nil {
			return err
		}
		return e.Await(ctx, "what is wrong is in effect", func(ctx context.Context) error {
			return after(e.AskFrom(ctx, "bookinfo", "agent", r(e)))
		})
	})
}

// byFile trusts the run's CA by the file that the gateway has, which no secret of a
// feature changes.
func byFile(host string) map[string]any {
	return map[string]any{"mode": "SIMPLE", "caCertificates": "/etc/secrets/" + mounted + "/ca.crt", "sni": host, "subjectAltNames": []any{host}}
}

// bothPorts are those of a host that the application knows by TLS too.
func bothPorts() []any {
	return []any{map[string]any{"number": 443, "name": "https", "protocol": "HTTPS"}, map[string]any{"number": 80, "name": "http", "protocol": "HTTP"}}
}

// nowhere is such a host of which the address is wrong. It is needed for the TLS port
// alone: by the plain one the way leads to the gateway.
func nowhere(host string) map[string]any {
	return map[string]any{"hosts": []any{host}, "exportTo": []any{"."}, "ports": bothPorts(), "location": "MESH_EXTERNAL",
		"resolution": "STATIC", "endpoints": []any{map[string]any{"address": "127.0.0.1"}}}
}

// otherPort has the host's TLS port be another one of the same server.
func otherPort() map[string]any {
	return map[string]any{"number": 443, "name": "https", "protocol": "HTTPS", "targetPort": 9443}
}

// byOtherPort has the gateway go there.
func (w *outside) byOtherPort(ctx context.Context, e *suite.Env) error {
	if err := e.Edit(ctx, manifest.SetField("ServiceEntry", "secure-for-gateway", otherPort(), "spec", "ports", "0")); err != nil {
		return err
	}
	there := net.JoinHostPort(w.world, "9443")
	return e.Await(ctx, "the gateway knows "+there, func(ctx context.Context) error {
		known, err := atGateway(e).Upstreams(ctx, "outbound|443||"+secure)
		if err == nil && !slices.ContainsFunc(known, func(u mesh.Upstream) bool { return u.Host == there }) {
			err = fmt.Errorf("%s is not among %v", there, known)
		}
		return err
	})
}

// leg is how one way leads from sidecars to the gateway.
type leg struct {
	name, protocol string
	port           int
}

var (
	secureWay = leg{"secure", "http", 80}
	mongoWay  = leg{"mongodb", "tcp", mongoPort}
)

// renamed has it do so by another subset, which is as good: only the log tells.
func renamed(before, name string, by leg) suite.Sabotage {
	other := by.name + "-elsewhere"
	return suite.Meddle(before, name, "log upstream cluster", func(ctx context.Context, e *suite.Env) error {
		if err := e.Edit(ctx, manifest.SetField("DestinationRule", by.name+"-to-gateway", other, "spec", "subsets", "0", "name")); err != nil {
			return err
		}
		if err := e.Edit(ctx, manifest.SetField("VirtualService", by.name, other, "spec", by.protocol, "0", "route", "0", "destination", "subset")); err != nil {
			return err
		}
		// A route or a listener says so; that the cluster is known is not enough.
		return suite.Until(suite.Configured(sidecar, "", fmt.Sprintf(`"cluster": "outbound|%d|%s|`, by.port, other)))(ctx, e)
	})
}

// standing has a fixture of fixtures/tls-origination/sabotage stand, by which the gateway
// takes what it must refuse, and waits until it does: the fixture's name is in what it
// listens with.
func standing(before, name, fixture string) suite.Sabotage {
	return suite.Meddle(before, name, "failure", func(ctx context.Context, e *suite.Env) error {
		pods := manifest.SetField("EnvoyFilter", fixture, e.Gateway(gateway).Selector, "spec", "workloadSelector", "labels")
		if err := e.Stand(ctx, []suite.Given{suite.Edited(suite.Apply("tls-origination/sabotage/"+fixture+".yaml"), pods)}); err != nil {
			return err
		}
		return suite.Until(suite.Configured(atGateway, "", fixture))(ctx, e)
	})
}

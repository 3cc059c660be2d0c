package tlsorigination

import (
	"context"
	"fmt"
	"net"
	"slices"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/suite"
)

// untilSeen changes something just before a step, and waits until the agent is answered as
// the change makes it.
func untilSeen(before, name string, field expect.Field, change suite.Action, answered suite.Exchange) suite.Sabotage {
	return suite.BreakBefore(before, name, field, suite.Sequence(change, suite.WaitFor(answered)))
}

// bothPorts are the ports of a ServiceEntry that lets the application reach the host's TLS
// port too.
func bothPorts() []any {
	return []any{map[string]any{"number": 443, "name": "https", "protocol": "HTTPS"}, map[string]any{"number": 80, "name": "http", "protocol": "HTTP"}}
}

// nobodyListens is a ServiceEntry of a host with both ports and a wrong address. The address
// is used for the TLS port alone: the route of the plain port leads to the gateway.
func nobodyListens(host string) map[string]any {
	return map[string]any{"hosts": []any{host}, "exportTo": []any{"."}, "ports": bothPorts(), "location": "MESH_EXTERNAL",
		"resolution": "STATIC", "endpoints": []any{map[string]any{"address": "127.0.0.1"}}}
}

// otherPort is a port of a ServiceEntry that leads to another port of the same server.
func otherPort() map[string]any {
	return map[string]any{"number": 443, "name": "https", "protocol": "HTTPS", "targetPort": 9443}
}

// toOtherPort sends the gateway to that port, and waits until it knows the new endpoint.
func (x *external) toOtherPort() suite.Action {
	return suite.Sequence(
		suite.Set("ServiceEntry", "secure-for-gateway", otherPort(), "spec", "ports", "0"),
		suite.WaitFor(suite.That(func(ctx context.Context, e suite.Env) error {
			endpoint := net.JoinHostPort(x.world, "9443")
			known, err := egress()(e).Upstreams(ctx, "outbound|443||"+secure)
			if err == nil && !slices.ContainsFunc(known, func(u mesh.Upstream) bool { return u.Host == endpoint }) {
				err = fmt.Errorf("%s is not among the gateway's endpoints %v", endpoint, known)
			}
			return err
		})))
}

// bySubset sends the sidecars to the gateway by another subset of the same pods: only their
// log shows a difference.
func bySubset(before, name, objects, protocol string, port int) suite.Sabotage {
	other := objects + "-elsewhere"
	return suite.BreakBefore(before, name, expect.FieldLogUpstreamCluster, suite.Sequence(
		suite.Set("DestinationRule", objects+"-to-gateway", other, "spec", "subsets", "0", "name"),
		suite.Set("VirtualService", objects, other, "spec", protocol, "0", "route", "0", "destination", "subset"),
		// The route or the listener names the cluster; that the cluster is known is not enough.
		suite.WaitFor(suite.InConfigDump(sidecar(), "", fmt.Sprintf(`"cluster": "outbound|%d|%s|`, port, other)))))
}

// gatewayAllows applies an EnvoyFilter of fixtures/tls-origination/sabotage, by which the
// gateway serves what it must refuse, and waits until its listeners have it.
func gatewayAllows(before, name, fixture string) suite.Sabotage {
	filter := func(e suite.Env) (manifest.Set, error) {
		pods := manifest.SetField("EnvoyFilter", fixture, e.Gateway(gateway).Selector, "spec", "workloadSelector", "labels")
		return suite.Edited(suite.Fixtures("tls-origination/sabotage/"+fixture+".yaml"), pods)(e)
	}
	return suite.BreakBefore(before, name, expect.FieldFailure,
		suite.Sequence(suite.Apply(filter), suite.WaitFor(suite.InConfigDump(egress(), "", fixture))))
}

// Package egresscontrol asserts that nothing leaves the mesh except what is registered.
package egresscontrol

import (
	"context"
	"fmt"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

const spec = "docs/spec/egress-control.md"

// The hosts outside of the mesh. All are one server, which knows of no mesh.
const (
	blocked  = "blocked.example.com" // never registered
	allowed  = "allowed.example.com"
	exported = "exported.example.com"
	removed  = "removed.example.com"
)

// Suite is the user story about REGISTRY_ONLY. The clients dial the server's address, as a
// name service outside would have given it; which host they mean they say by SNI or by the
// Host header.
func Suite() suite.Suite {
	return suite.Suite{
		Name:       "egress-control",
		Promise:    "From a workload of the mesh nothing is reached that is not registered, and what is, by whom it is registered for.",
		Needs:      []mesh.Capability{mesh.RegistryOnly, mesh.AccessLog},
		Namespaces: []string{"bookinfo", "other"},
		Outside:    []string{"world"},
		Setup: []suite.Setup{
			suite.CertificateIn("world", "world", pki.Leaf{DNSNames: []string{blocked, allowed, exported, removed}}),
			suite.Fixtures("world/*.yaml", "egress-control/apps/*.yaml", "agent/*.yaml", "outsider/*.yaml"),
			suite.Edited(suite.Fixtures("outsider/*.yaml"), manifest.Namespaces(map[string]string{"bookinfo": "world"})),
		},
		Prepare: func(ctx context.Context, e suite.Env) error {
			_, err := e.External(ctx, world().Namespace, world().Service)
			return err
		},
		Features: []suite.Feature{
			registryOnlyBlocks(),
			serviceEntryAllows(),
			exportToOneNamespace(),
			outsideTheMesh(),
			removalBlocksAgain(),
		},
	}
}

// world is the server outside of the mesh.
func world() suite.Server { return suite.Server{Namespace: "world", Service: "world"} }

// overTLS asks the server for a host over TLS, on one of its ports, from the agent.
func overTLS(host string, port int, checks ...expect.Check) suite.Exchange {
	return suite.Ask(probe.GET(fmt.Sprintf("https://%s:%d/", host, port)), checks...).At(world(), port).From("bookinfo", "agent")
}

// inClear asks the server for the blocked host by plain HTTP, from the agent.
func inClear(checks ...expect.Check) suite.Exchange {
	return suite.Ask(probe.GET("http://"+blocked+"/"), checks...).At(world(), 80).From("bookinfo", "agent")
}

// unanswered makes an exchange wait for its answer no longer than Settled: none is expected.
func unanswered(x suite.Exchange) suite.Exchange {
	request := x.Request
	x.Late = func(e suite.Env) probe.Request {
		request.Timeout = e.Budget().Settled
		return request
	}
	return x
}

// reached is an answer of the server itself, over TLS that verifies.
func reached(host string) expect.Check {
	return expect.All(expect.Status(200), expect.Verified(), expect.EchoSNI(host))
}

// sidecar is the proxy of the agent.
func sidecar() suite.ProxyOf { return suite.Sidecar("bookinfo", "agent") }

// fieldClusters is the field of the clusters that a sidecar is configured with.
const fieldClusters expect.Field = "clusters of the sidecar"

// unknownToTheMesh makes sure that the control plane tells proxies nothing of the server's
// Service: if it did, no step here would say anything about hosts outside.
func unknownToTheMesh(ctx context.Context, e suite.Env) error {
	clusters, err := e.Sidecar("bookinfo", "agent").Admin(ctx, "clusters")
	if err != nil {
		return err
	}
	if strings.Contains(clusters, "||world.") {
		return suite.Infrastructure(&expect.Mismatch{Field: fieldClusters, Want: "none of the Service world (networking.istio.io/exportTo: \"~\")", Got: "one"})
	}
	return nil
}

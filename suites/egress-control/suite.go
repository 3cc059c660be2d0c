// Package egresscontrol asserts that nothing leaves the mesh but what is registered.
package egresscontrol

import (
	"context"
	"net"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

const spec = "spec.md#suitesegress-control-blocked-egress"

// The hosts of the world outside. All are one server, which knows of no mesh.
const (
	blocked  = "blocked.example.com" // never registered
	allowed  = "allowed.example.com"
	exported = "exported.example.com"
	removed  = "removed.example.com"
)

// Suite is the story of seeds 000 and 001 about REGISTRY_ONLY. The clients dial the
// world's address, as they would have got it from a name service outside; which host
// they mean they say by SNI or by Host.
func Suite() suite.Suite {
	at := new(string) // the world's address
	return suite.Suite{
		Name:       "egress-control",
		Promise:    "From a workload of the mesh nothing is reached that is not registered, and what is, by whom it is registered for.",
		Needs:      []mesh.Capability{mesh.RegistryOnly, mesh.AccessLog},
		Namespaces: []string{"bookinfo", "other"},
		Outside:    []string{"world"},
		Given: []suite.Given{
			suite.CertificateIn("world", "world", pki.Leaf{DNSNames: []string{blocked, allowed, exported, removed}}),
			suite.Apply("world/*.yaml", "egress-control/apps/*.yaml", "agent/*.yaml", "outsider/*.yaml"),
			suite.Edited(suite.Apply("outsider/*.yaml"), manifest.Namespaces(map[string]string{"bookinfo": "world"})),
		},
		Prepare: func(ctx context.Context, e *suite.Env) (err error) {
			*at, err = e.External(ctx, "world", "world")
			return err
		},
		Features: []suite.Feature{
			registryOnlyBlocks(at),
			serviceEntryAllows(at),
			exportToOneNamespace(at),
			outsideTheMesh(at),
			removalBlocksAgain(at),
		},
	}
}

// overTLS asks the world for a host over TLS, on one of its ports.
func overTLS(at *string, host, port string) func(*suite.Env) probe.Request {
	return func(*suite.Env) probe.Request {
		r := probe.GET("https://" + host + ":" + port + "/")
		r.Connect = net.JoinHostPort(*at, port)
		return r
	}
}

// inClear asks the world for a host by plain HTTP.
func inClear(at *string, host string) func(*suite.Env) probe.Request {
	return func(*suite.Env) probe.Request {
		r := probe.GET("http://" + host + "/")
		r.Connect = net.JoinHostPort(*at, "80")
		return r
	}
}

// reached is an answer of the world itself, over TLS that verifies.
func reached(host string) expect.Check {
	return expect.All(expect.Status(200), expect.Verified(), expect.EchoSNI(host))
}

// from asks from a workload of a namespace.
func from(namespace, app string, r func(*suite.Env) probe.Request, checks ...expect.Check) suite.Exchange {
	return suite.AskLate(r, checks...).From(namespace, app)
}

func fromAgent(r func(*suite.Env) probe.Request, checks ...expect.Check) suite.Exchange {
	return from("bookinfo", "agent", r, checks...)
}

// unknownToTheMesh: if the control plane told proxies of the world's Service, nothing
// here would say anything about hosts outside.
func unknownToTheMesh(ctx context.Context, e *suite.Env) error {
	clusters, err := e.Sidecar("bookinfo", "agent").Admin(ctx, "clusters")
	if err != nil {
		return err
	}
	if strings.Contains(clusters, "||world.") {
		return suite.Broken(&expect.Mismatch{Field: "clusters of the sidecar", Want: "none of the world's Service (networking.istio.io/exportTo: \"~\")", Got: "one"})
	}
	return nil
}

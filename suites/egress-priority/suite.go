// Package egresspriority asserts that a request's header decides how much of an external
// service it may have.
package egresspriority

import (
	"context"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/suite"
)

const (
	spec = "docs/spec/egress-priority.md"

	// The plans of the external service, which are subsets of it in the mesh's configuration.
	gold, silver, bronze = "gold", "silver", "bronze"
	// What they may have at once: fixtures/egress-priority/route.
	silverLimit, bronzeLimit = 20, 1

	// The applications that call it. Each but the last has a proxy with one worker.
	product, productB, productTwoWorkers = "product", "product-b", "product-two-workers"
)

// host is a name of the external service. Each feature has one of its own, and so limits
// and counts of its own.
type host string

// Suite is the user story of docs/spec/egress-priority.md. The external server itself
// counts how many requests are under way. The features that measure time run alone, so that
// they do not disturb each other.
func Suite() suite.Suite {
	return suite.Suite{
		Name:       "egress-priority",
		Promise:    "The header plan-type decides how much of an external service a request may have, and no plan takes from another.",
		Needs:      []mesh.Capability{mesh.RegistryOnly, mesh.AccessLog},
		Namespaces: []string{"bookinfo"},
		Outside:    []string{"world"},
		Setup: []suite.Setup{
			suite.CertificateIn("world", "world", pki.Leaf{DNSNames: []string{"rating.example.com"}}),
			suite.Fixtures("world/*.yaml", "egress-priority/apps/*.yaml"),
		},
		Features: []suite.Feature{
			priorityByHeader(),
			bronzeIsSerial(),
			silverIsTwenty(),
			goldIsFree(),
			workersMatter(),
			pendingLimitOverflows(),
			limitsAreIndependent(),
			outlierEjection(),
			limitsAtTheGateway(),
		},
		Prepare: func(ctx context.Context, e suite.Env) error {
			_, err := e.External(ctx, "world", "world")
			return err
		},
	}
}

// The fields of this suite: what the external server counts, and what proxies count.
const (
	fieldUnderWay      expect.Field = "requests under way"
	fieldMostUnderWay  expect.Field = "most requests under way"
	fieldWaiting       expect.Field = "requests waiting"
	fieldConnections   expect.Field = "connections of the proxy"
	fieldSentToGateway expect.Field = "requests that the sidecar has sent to the gateway"
	fieldRefused       expect.Field = "requests refused"
	fieldEjected       expect.Field = "endpoints ejected"
	fieldEjectionTime  expect.Field = "time of ejection"
	fieldGoldTime      expect.Field = "gold's time"
	fieldWorkers       expect.Field = "workers of the proxy"
)

// objects make the external service known to the mesh by this name, with the limits of its
// plans. The fixtures are those of rating.example.com.
func (h host) objects(edits ...manifest.Edit) suite.Setup {
	return h.fitted(suite.Edited(suite.Fixtures("egress-priority/route/*.yaml"), edits...))
}

func (h host) fitted(s suite.Setup) suite.Setup {
	return suite.Edited(s, manifest.Hosts(map[string]string{"rating.example.com": string(h)}), manifest.Rename(map[string]string{"rating": h.name()}))
}

// name is what the objects of the host are called.
func (h host) name() string {
	name, _, _ := strings.Cut(string(h), ".")
	return name
}

// cluster is a plan's cluster in the configuration of proxies.
func (h host) cluster(plan string) string { return "outbound|80|" + plan + "|" + string(h) }

// world is the server outside of the mesh, and counts the port at which it says what it
// counted.
func world() suite.Server { return suite.Server{Namespace: "world", Service: "world"} }

const counts = 8080

// sidecar is the proxy of the application product.
func sidecar() suite.ProxyOf { return suite.Sidecar("bookinfo", product) }

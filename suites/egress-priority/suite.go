// Package egresspriority asserts that a request's header decides how much of an external
// service it may have.
package egresspriority

import (
	"context"
	"strings"

	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/suite"
)

const (
	spec = "spec.md#suitesegress-priority"

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

// Suite is the story of seed 004, "Egress Traffic Control". How many requests are under
// way is counted by the external server itself. The features that look at the clock are
// alone, so that they do not disturb each other.
func Suite() suite.Suite {
	return suite.Suite{
		Name:       "egress-priority",
		Promise:    "The header plan-type decides how much of an external service a request may have, and no plan takes from another.",
		Needs:      []mesh.Capability{mesh.RegistryOnly, mesh.AccessLog},
		Namespaces: []string{"bookinfo"},
		Outside:    []string{"world"},
		Given: []suite.Given{
			suite.CertificateIn("world", "world", pki.Leaf{DNSNames: []string{"rating.example.com"}}),
			suite.Apply("world/*.yaml", "egress-priority/apps/*.yaml"),
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
		Prepare: func(ctx context.Context, e *suite.Env) error {
			_, err := e.External(ctx, "world", "world")
			return err
		},
	}
}

// way is how the mesh knows the service by this name: who may have how much of it. The
// fixtures are those of rating.example.com.
func (h host) way(edits ...manifest.Edit) suite.Given {
	return h.fitted(suite.Edited(suite.Apply("egress-priority/route/*.yaml"), edits...))
}

func (h host) fitted(g suite.Given) suite.Given {
	return suite.Edited(g, manifest.Hosts(map[string]string{"rating.example.com": string(h)}), manifest.Rename(map[string]string{"rating": h.name()}))
}

// name is what its objects are called.
func (h host) name() string {
	name, _, _ := strings.Cut(string(h), ".")
	return name
}

// cluster is a plan's cluster in proxies' configuration.
func (h host) cluster(plan string) string { return "outbound|80|" + plan + "|" + string(h) }

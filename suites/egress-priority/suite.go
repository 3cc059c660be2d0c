// Package egresspriority asserts that a request's header decides how much of an external
// service it may have.
package egresspriority

import (
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/suite"
)

const (
	spec = "spec.md#suitesegress-priority"

	host = "rating.example.com" // the external service
	// Its plans, which are subsets of it in the mesh's configuration.
	gold, silver, bronze = "gold", "silver", "bronze"
	// What they may have at once: fixtures/egress-priority/route.
	silverLimit, bronzeLimit = 20, 1

	// The applications that call it. Each but the last has a proxy with one worker.
	product, productB, productTwoWorkers = "product", "product-b", "product-two-workers"
)

// Suite is the story of seed 004, "Egress Traffic Control". How many requests are under
// way is counted by the external server itself. The features change what one host is
// allowed, and count at one server, so each is alone.
func Suite() suite.Suite {
	s := suite.Suite{
		Name:       "egress-priority",
		Promise:    "The header plan-type decides how much of an external service a request may have, and no plan takes from another.",
		Needs:      []mesh.Capability{mesh.RegistryOnly, mesh.AccessLog},
		Namespaces: []string{"bookinfo"},
		Outside:    []string{"world"},
		Given: []suite.Given{
			suite.CertificateIn("world", "world", pki.Leaf{DNSNames: []string{host}}),
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
	}
	for i := range s.Features {
		s.Features[i].Alone = true
	}
	return s
}

// way is how the mesh knows the service: who may have how much of it.
func way() []suite.Given { return []suite.Given{suite.Apply("egress-priority/route/*.yaml")} }

// clusterOf is a plan's cluster in proxies' configuration.
func clusterOf(plan string) string { return "outbound|80|" + plan + "|" + host }

// Package suites is the catalogue: every suite there is, in the order of docs/spec/README.md.
package suites

import (
	"meshgate/framework/suite"
	basicgateway "meshgate/suites/basic-gateway"
	egresscontrol "meshgate/suites/egress-control"
	egresspriority "meshgate/suites/egress-priority"
	headerrouting "meshgate/suites/header-routing"
	mongoegress "meshgate/suites/mongo-egress"
	mongoingress "meshgate/suites/mongo-ingress"
	tlsorigination "meshgate/suites/tls-origination"
)

// All returns the suites. To add one is a folder and a line here.
func All() []suite.Suite {
	return []suite.Suite{
		basicgateway.Suite(),
		mongoingress.Suite(),
		mongoegress.Suite(),
		egresspriority.Suite(),
		tlsorigination.Suite(),
		egresscontrol.Suite(),
		headerrouting.Suite(),
	}
}

// Package basicgateway asserts what users of one shared ingress gateway rely on.
package basicgateway

import (
	"meshgate/framework/mesh"
	"meshgate/framework/suite"
)

const spec = "docs/spec/basic-gateway.md"

// Suite is the story of docs/spec/basic-gateway.md: one Gateway in the control plane's
// namespace, VirtualServices in member namespaces that refer to it.
func Suite() suite.Suite {
	return suite.Suite{
		Name:       "basic-gateway",
		Promise:    "What a member namespace exposes through the shared ingress gateway is reached over HTTPS, and nothing else is.",
		Needs:      []mesh.Capability{mesh.LoadBalancer},
		Namespaces: []string{"bookinfo", "catalog"},
		Setup: []suite.Setup{
			suite.Fixtures("bookinfo/productpage.yaml", "bookinfo/details.yaml", "bookinfo/ratings.yaml", "bookinfo/ratings-v1.yaml",
				"bookinfo/reviews.yaml", "bookinfo/reviews-v3.yaml"), // one version: no feature tells them apart
			suite.Echo("bookinfo", "my-app"),
			suite.Echo("catalog", "catalog"),
			suite.Where(mesh.Tracing, suite.Fixtures("basic-gateway/tracing/*.yaml")),
		},
		Features: []suite.Feature{
			httpsRedirect(),
			tlsTermination(),
			secondCertificate(),
			certificateRotation(),
			exactPath(),
			regexAndPrefix(),
			singleHostManyAPIs(),
			cors(),
			crossNamespaceReference(),
			gatewayAccessLog(),
			observedInTrace(),
			metrics(),
			steadily(),
		},
	}
}

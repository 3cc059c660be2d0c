// Package headerrouting asserts what users rely on who route requests by their headers, and
// change headers on the way.
package headerrouting

import (
	"meshgate/framework/expect"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

const spec = "docs/spec/header-routing.md"

// Suite is the user story of docs/spec/header-routing.md: two releases of an application
// behind one host of the shared ingress gateway.
func Suite() suite.Suite {
	return suite.Suite{
		Name:       "header-routing",
		Promise:    "The headers of a request decide which application serves it, and a route changes the headers that it names.",
		Needs:      []mesh.Capability{mesh.LoadBalancer},
		Namespaces: []string{"bookinfo"},
		Setup:      []suite.Setup{suite.Echo("bookinfo", "stable"), suite.Echo("bookinfo", "canary")},
		Features:   []suite.Feature{exactHeader(), regexHeader(), headersRewritten()},
	}
}

// hostOf is the host of a feature, whose objects are in fixtures/header-routing.
func hostOf(feature string) string { return feature + ".header-routing.example.com" }

// objects are those of a feature: its certificate, its Gateway and its VirtualService.
func objects(feature string) []suite.Setup {
	return []suite.Setup{
		suite.Credential("header-routing-"+feature, pki.Leaf{DNSNames: []string{hostOf(feature)}}),
		suite.Fixtures("header-routing/" + feature + "/*.yaml"),
	}
}

// get is a request to the host of a feature.
func get(feature string) probe.Request { return probe.GET("https://" + hostOf(feature) + "/") }

// serves wants an application to serve a request.
func serves(app string, r probe.Request) suite.Exchange {
	return suite.Ask(r, expect.Status(200), expect.EchoApp(app))
}

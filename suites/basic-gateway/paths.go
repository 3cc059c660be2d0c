package basicgateway

import (
	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// exactPath: of bookinfo the paths that are listed answer, and the gateway itself
// refuses the rest.
func exactPath() suite.Feature {
	const host = "bookinfo.example.com"
	get := func(path string, checks ...expect.Check) suite.Exchange {
		return suite.Ask(probe.GET("https://"+host+path), append([]expect.Check{expect.FromApp()}, checks...)...)
	}
	return suite.Feature{
		Name:    "ExactPath",
		Promise: "Exact and prefix matches expose what they name and not one path more.",
		Spec:    spec,
		Setup: []suite.Setup{
			suite.Credential("exact-path", pki.Leaf{DNSNames: []string{host}}),
			suite.Fixtures("basic-gateway/exact-path/*.yaml"),
		},
		Steps: []suite.Step{
			suite.Eventually("the listed paths answer",
				get("/productpage", expect.Status(200), expect.BodyContains("Comedy of Errors")),
				get("/login", expect.StatusIn(200, 302, 303, 405)),
				get("/logout", expect.StatusIn(200, 302, 303)),
				get("/api/v1/products", expect.Status(200), expect.HeaderHasPrefix("Content-Type", "application/json")),
				get("/api/v1/products/0/reviews", expect.Status(200), expect.HeaderHasPrefix("Content-Type", "application/json")),
				get("/static/tailwind/tailwind.css", expect.Status(200), expect.HeaderHasPrefix("Content-Type", "text/css"))),
			suite.Now("other paths are refused by the gateway",
				refusedByGateway(host, "/"), refusedByGateway(host, "/productpage/x"), refusedByGateway(host, "/PRODUCTPAGE"),
				refusedByGateway(host, "/api/v1/product")),
			refusalsSayNoRoute(),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("VirtualService", "exact-path", expect.FieldMadeBy, map[string]any{"prefix": "/productpage"}, "spec", "http", "0", "match", "0", "uri").
				At("other paths are refused by the gateway"),
			answeredByRoute("exact-path", host, noRoute),
			suite.Withhold("VirtualService", "exact-path", expect.FieldStatus),
		},
	}
}

// regexAndPrefix: a regular expression and a prefix, with the paths at their edges. What is asserted of
// odd paths is Istio's default normalisation (BASE): dot segments are resolved before
// matching, double and encoded slashes are left as they are.
func regexAndPrefix() suite.Feature {
	const host = "my-app.example.com"
	raw := func(path string) probe.Request {
		r := probe.GET("https://" + host + path)
		r.RawPath = true
		return r
	}
	reaches := func(sent, received string) suite.Exchange {
		return suite.Ask(raw(sent), expect.Status(200), expect.EchoTarget(received))
	}
	unchanged := func(path string) suite.Exchange { return reaches(path, path) }
	refused := func(path string) suite.Exchange {
		return suite.Ask(raw(path), expect.Status(404), expect.FromGateway())
	}
	return suite.Feature{
		Name:    "RegexAndPrefix",
		Promise: "A regular expression and a prefix match whole paths; what matches reaches the application unchanged.",
		Spec:    spec,
		Setup: []suite.Setup{
			suite.Credential("regex-and-prefix", pki.Leaf{DNSNames: []string{host}}),
			suite.Fixtures("basic-gateway/regex-and-prefix/*.yaml"),
		},
		Steps: []suite.Step{
			suite.Eventually("what matches reaches the application with the path unchanged",
				unchanged("/my-app/rest"), unchanged("/my-app/rest/"), unchanged("/my-app/rest/a?b=c"), unchanged("/my-app/health/live")),
			suite.Now("what does not match is refused by the gateway",
				refused("/my-app"), refused("/my-app/other"), refused("/x/my-app/rest"), refused("/MY-APP/REST")),
			suite.Now("double and encoded slashes are matched and passed on as they are",
				unchanged("/my-app/rest//a"), unchanged("/my-app/rest/a%2Fb"), refused("//my-app/rest"), refused("/my-app%2Frest")),
			suite.Now("dot segments are resolved before matching",
				refused("/my-app/rest/../other"), refused("/my-app/rest/.."), reaches("/my-app/health/../rest", "/my-app/rest")),
			refusalsSayNoRoute(),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("VirtualService", "regex-and-prefix", expect.FieldStatus, "/my-app/(rest)", "spec", "http", "0", "match", "0", "uri", "regex"),
			suite.Replace("VirtualService", "regex-and-prefix", expect.FieldStatus, "/my-app", "spec", "http", "0", "match", "1", "uri", "prefix").
				At("what does not match is refused by the gateway"),
			suite.Replace("VirtualService", "regex-and-prefix", expect.FieldStatus, "/my-app/(rest)/?[^/]*", "spec", "http", "0", "match", "0", "uri", "regex").
				At("double and encoded slashes are matched and passed on as they are"),
			edited("dot segments are resolved before matching", "the prefix is /my-app from now on", expect.FieldStatus,
				manifest.SetField("VirtualService", "regex-and-prefix", "/my-app", "spec", "http", "0", "match", "1", "uri", "prefix"),
				probe.GET("https://"+host+"/my-app/other"), expect.Status(200)),
			answeredByRoute("regex-and-prefix", host, noRoute),
		},
	}
}

// singleHostManyAPIs: one host, an API on each path, each with a
// VirtualService in the namespace of its application.
func singleHostManyAPIs() suite.Feature {
	const host = "apis.example.com"
	served := func(path, app string) suite.Exchange {
		return suite.Ask(probe.GET("https://"+host+path), expect.Status(200), expect.EchoApp(app), expect.EchoTarget(path))
	}
	return suite.Feature{
		Name:    "SingleHostManyAPIs",
		Promise: "Applications of two namespaces share a host, each on its path by a VirtualService of its own.",
		Spec:    spec,
		Setup: []suite.Setup{
			suite.Credential("single-host-many-apis", pki.Leaf{DNSNames: []string{host}}),
			suite.Fixtures("basic-gateway/single-host-many-apis/*.yaml"),
		},
		Steps: []suite.Step{
			suite.Eventually("each path is served by its application",
				served("/my-app/a", "my-app"), served("/catalog/a?b=c", "catalog")),
			suite.Now("a path of neither is refused by the gateway", refusedByGateway(host, "/"), refusedByGateway(host, "/other/a")),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("VirtualService", "api-catalog", expect.FieldStatus, "/elsewhere/", "spec", "http", "0", "match", "0", "uri", "prefix"),
			suite.Withhold("VirtualService", "api-my-app", expect.FieldStatus),
			suite.Replace("VirtualService", "api-my-app", expect.FieldStatus, map[string]any{"regex": "/(my-app|other)/.*"}, "spec", "http", "0", "match", "0", "uri").
				At("a path of neither is refused by the gateway"),
		},
	}
}

func refusedByGateway(host, path string) suite.Exchange {
	return suite.Ask(probe.GET("https://"+host+path), expect.Status(404), expect.FromGateway())
}

const noRoute = "each refusal is logged as NR, without an upstream"

// refusalsSayNoRoute ties each 404 to its cause: the gateway had no route (NR), the
// application was never asked.
func refusalsSayNoRoute() suite.Step {
	return suite.Logged(noRoute, func(o probe.Observation) []expect.LineCheck {
		if o.Status != 404 {
			return nil
		}
		return []expect.LineCheck{expect.FlagsAre("NR"), expect.NoUpstream()}
	}, expect.FieldLogFlags, expect.FieldLogUpstreamHost)
}

// crossNamespaceReference: a Gateway host may be kept for one namespace.
func crossNamespaceReference() suite.Feature {
	return suite.Feature{
		Name:    "CrossNamespaceReference",
		Promise: "A VirtualService of a namespace that the Gateway does not admit is not programmed.",
		Spec:    spec,
		Setup:   []suite.Setup{suite.Fixtures("basic-gateway/cross-namespace-reference/*.yaml")},
		Steps: []suite.Step{
			suite.Control("the admitted namespace is served",
				suite.Ask(probe.GET("http://allowed.example.com/"), expect.Status(200), expect.EchoApp("my-app"))),
			suite.Stay("the other namespace is not programmed",
				suite.Ask(probe.GET("http://denied.example.com/"), expect.Status(404), expect.FromGateway())),
			suite.Do("the Gateway admits every namespace",
				suite.Set("Gateway", "cross-namespace-reference", "*/denied.example.com", "spec", "servers", "0", "hosts", "1")),
			suite.Eventually("the same VirtualService is served once it is admitted, so the restriction was what refused it",
				suite.Ask(probe.GET("http://denied.example.com/"), expect.Status(200), expect.EchoApp("catalog"))),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("Gateway", "cross-namespace-reference", expect.FieldStatus, "*/denied.example.com", "spec", "servers", "0", "hosts", "1").
				At("the other namespace is not programmed"),
			suite.Withhold("VirtualService", "cross-allowed", expect.FieldStatus),
			suite.Withhold("VirtualService", "cross-denied", expect.FieldStatus).
				At("the same VirtualService is served once it is admitted, so the restriction was what refused it"),
		},
	}
}

package headerrouting

import (
	"meshgate/framework/expect"
	"meshgate/framework/suite"
)

// headersRewritten: what is set replaces what the client sent, and what is added stands next
// to it.
func headersRewritten() suite.Feature {
	const feature, route = "rewritten", "header-routing-rewritten"
	const response = "the client receives the response headers that the route sets, and not those that it removes"
	request := get(feature).WithHeader("x-set", "client").WithHeader("x-added", "client").WithHeader("x-removed", "client").WithHeader("x-kept", "client")
	changed := func(field expect.Field, value any, path ...string) suite.Sabotage {
		return suite.Replace("VirtualService", route, field, value, append([]string{"spec", "http", "0", "headers"}, path...)...)
	}
	return suite.Feature{
		Name:    "HeadersRewritten",
		Promise: "A route sets, adds and removes the headers that it names, and leaves the others as they are.",
		Spec:    spec,
		Setup:   objects(feature),
		Steps: []suite.Step{
			suite.Eventually("the application receives the request headers as the route sets, adds and removes them",
				suite.Ask(request, expect.Status(200), expect.EchoHeader("x-set", "mesh"), expect.EchoHeader("x-added", "client, mesh"),
					expect.EchoNoHeader("x-removed"), expect.EchoHeader("x-kept", "client"))),
			suite.Now(response, suite.Ask(request, expect.Header("x-served-by", "mesh"), expect.NoHeader("content-type"))),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", route, expect.FieldStatus),
			changed(expect.ReceivedHeaderField("x-set"), "other", "request", "set", "x-set"),
			changed(expect.ReceivedHeaderField("x-added"), "other", "request", "add", "x-added"),
			changed(expect.ReceivedHeaderField("x-removed"), []any{"x-other"}, "request", "remove"),
			changed(expect.ReceivedHeaderField("x-kept"), []any{"x-removed", "x-kept"}, "request", "remove"),
			changed(expect.HeaderField("x-served-by"), "other", "response", "set", "x-served-by").At(response),
			changed(expect.HeaderField("content-type"), []any{"x-other"}, "response", "remove").At(response),
		},
	}
}

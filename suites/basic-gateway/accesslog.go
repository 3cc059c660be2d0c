package basicgateway

import (
	"context"
	"encoding/json"
	"net/http"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// gatewayAccessLog: the log tells what the client saw. That every request of every
// other feature stands in it once is asserted at the end of each of them.
func gatewayAccessLog() suite.Feature {
	const host = "log.example.com"
	answered := http.Header{"X-Echo-Status": {"500"}} // not 503, which older control planes let a gateway ask for again
	preflight := http.Header{"Origin": {"https://shop.example.org"}, "Access-Control-Request-Method": {"GET"}}
	return suite.Feature{
		Name:    "GatewayAccessLog",
		Promise: "Each request leaves one line in the gateway's log that says what the client saw, and the sidecar logs the same request ID.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.AccessLog},
		Setup: []suite.Setup{
			suite.Credential("gateway-access-log", pki.Leaf{DNSNames: []string{host}}),
			suite.Fixtures("basic-gateway/gateway-access-log/*.yaml"),
		},
		Steps: []suite.Step{
			suite.Eventually("requests of each kind are answered",
				suite.Ask(probe.GET("https://"+host+"/logged/a?b=c"), expect.Status(200)),
				suite.Ask(probe.Request{Method: "POST", URL: "https://" + host + "/logged/post", Body: "seven b"}, expect.Status(200)),
				suite.Ask(probe.Request{URL: "https://" + host + "/logged/refused", Header: answered}, expect.Status(500), expect.FromApp()),
				suite.Ask(probe.GET("https://"+host+"/elsewhere"), expect.Status(404), expect.FromGateway()),
				suite.Ask(probe.GET("http://"+host+"/logged/plain"), expect.Status(301)),
				suite.Ask(probe.Request{Method: "OPTIONS", URL: "https://" + host + "/logged/cors", Header: preflight}, expect.Status(200), expect.FromGateway())),
			suite.Logged("the gateway's lines say which route each request took", routeTaken, expect.LineFields(routeTaken(probe.Observation{})...)...),
			suite.Eventually("the application's sidecar logs the same request IDs", suite.That(sidecarAgrees, sidecarFields()...)),
			suite.Stay("no line comes twice", suite.LoggedOnce(nil)),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("VirtualService", "gateway-access-log", expect.FieldStatus, "/other", "spec", "http", "0", "match", "0", "uri", "prefix"),
			suite.Withhold("Gateway", "gateway-access-log", expect.FieldStatus),
			answeredByRouteLate("gateway-access-log", host, "/elsewhere", "the gateway's lines say which route each request took"),
			suite.BreakBefore("requests of each kind are answered", "another application of the same name answers", expect.FieldLogLines, suite.Func(namesake)).
				At("the application's sidecar logs the same request IDs"),
			suite.BreakBefore("no line comes twice", "a request comes again under its ID", expect.FieldLogLines, suite.Func(repeated)),
		},
	}
}

// routeTaken is what the line of an answer must say beyond method, path, status, host and
// request ID.
func routeTaken(o probe.Observation) []expect.LineCheck {
	const app = "outbound|8080||my-app."
	switch {
	case o.Status == http.StatusNotFound:
		return []expect.LineCheck{expect.FlagsAre("NR"), expect.DetailsAre("route_not_found"), expect.NoUpstream()}
	case o.Status == http.StatusMovedPermanently:
		return []expect.LineCheck{expect.FlagsAre("-"), expect.DetailsAre("direct_response"), expect.NoUpstream()}
	case o.Request.Method == http.MethodOptions:
		return []expect.LineCheck{expect.FlagsAre("-"), expect.DetailsAre("cors_response"), expect.NoUpstream()}
	default:
		return []expect.LineCheck{expect.FlagsAre("-"), expect.DetailsAre("via_upstream"), expect.ClusterHasPrefix(app),
			expect.UpstreamHostSet(), expect.RequestIDIs(idAtApp(o))}
	}
}

// idAtApp is the request ID that the application received, as it told the client. A
// gateway at the edge replaces the client's own.
func idAtApp(o probe.Observation) string {
	var echo struct{ Headers map[string][]string }
	if json.Unmarshal(o.Body, &echo) != nil || len(echo.Headers["X-Request-Id"]) != 1 {
		return "one that the application echoes"
	}
	return echo.Headers["X-Request-Id"][0]
}

// sidecarFields are the fields of sidecarAgrees.
func sidecarFields() []expect.Field {
	return expect.LineFields(suite.Of(probe.Observation{}), expect.RequestIDIs(""), expect.StatusIs(0), expect.ClusterIs(""))
}

// sidecarAgrees looks at the application's end of every request that reached it.
func sidecarAgrees(ctx context.Context, e suite.Env) error {
	lines, err := e.Sidecar("bookinfo", "my-app").Lines(ctx)
	if err != nil {
		return err
	}
	for _, o := range e.Seen() {
		if expect.FromApp().Judge(o) != nil {
			continue
		}
		err := expect.ExactlyOne(lines, suite.Of(o), expect.RequestIDIs(idAtApp(o)), expect.StatusIs(o.Status), expect.ClusterIs("inbound|8080||"))
		if err != nil {
			return err
		}
	}
	return nil
}

// namesake has another application answer what the gateway's line cannot tell from the
// first: of that one, no sidecar of the first has a line.
func namesake(ctx context.Context, e suite.Env) error {
	if err := e.Apply(ctx, suite.Fixtures("basic-gateway/sabotage/namesake.yaml")); err != nil {
		return err
	}
	host := "my-app." + e.Namespace("catalog") + ".svc.cluster.local"
	if err := e.Edit(ctx, manifest.SetField("VirtualService", "gateway-access-log", host, "spec", "http", "0", "route", "0", "destination", "host")); err != nil {
		return err
	}
	return takesEffect(probe.GET("https://log.example.com/logged/namesake"), expect.EchoApp("catalog")).Run(ctx, e)
}

// repeated makes a request that was made before once more, under the same ID.
func repeated(ctx context.Context, e suite.Env) error {
	before := e.Seen()[0]
	r := probe.GET(before.Request.URL)
	r.RequestID = before.RequestID
	e.AskThrough(ctx, "", r)
	return e.Await(ctx, "the log has a line of each", func(ctx context.Context) error {
		lines, err := e.Through("").Lines(ctx)
		if err != nil {
			return err
		}
		return expect.Lines(lines, 2, suite.Of(before))
	})
}

package basicgateway

import (
	"net/http"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// cors: the gateway implements cross-origin sharing for an application that does not.
func cors() suite.Feature {
	const host, bare = "cors.example.com", "no-cors.example.com"
	const friend, local, stranger = "https://shop.example.org", "http://localhost:3000", "https://evil.example.net"
	methods := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	from := func(host, method, origin string, more ...string) probe.Request {
		r := probe.Request{Method: method, URL: "https://" + host + "/", Header: http.Header{"Origin": {origin}}}
		for i := 0; i+1 < len(more); i += 2 {
			r.Header.Set(more[i], more[i+1])
		}
		return r
	}
	preflight := func(origin, method string) probe.Request {
		return from(host, http.MethodOptions, origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", "x-custom")
	}
	// The policy allows every header ("*"). To a browser that sends credentials "*" is no
	// wildcard (Fetch standard), so the gateway names the header that was asked for.
	headers := []string{"x-custom"}
	var preflights, actual []suite.Condition
	for _, m := range methods {
		preflights = append(preflights, suite.Ask(preflight(friend, m), expect.Status(200), expect.FromGateway(),
			expect.Preflight(expect.CORS{Origin: friend, Methods: methods, Headers: headers, MaxAge: "86400", Credentials: true})))
		actual = append(actual, suite.Ask(from(host, m, friend), expect.Status(200), expect.EchoMethod(m),
			expect.Header("Access-Control-Allow-Origin", friend), expect.Header("Access-Control-Allow-Credentials", "true")))
	}
	actual = append(actual, suite.Ask(from(host, "GET", local), expect.Status(200), expect.Header("Access-Control-Allow-Origin", local)))
	return suite.Feature{
		Name:    "CORS",
		Promise: "Origins that match get the policy's CORS headers from the gateway, others get none.",
		Spec:    spec,
		Setup: []suite.Setup{
			suite.Credential("cors", pki.Leaf{DNSNames: []string{host, bare}}),
			suite.Fixtures("basic-gateway/cors/*.yaml"),
		},
		Steps: []suite.Step{
			suite.Eventually("a preflight is answered by the gateway with the whole policy", preflights...),
			suite.Now("an actual request of each method carries the origin that asked", actual...),
			suite.Now("an origin that does not match gets no CORS header",
				suite.Ask(from(host, "GET", stranger), expect.Status(200), expect.NoCORS()),
				suite.Ask(preflight(stranger, "GET"), expect.NoCORS())),
			suite.Now("a method that is not allowed is not listed",
				suite.Ask(preflight(friend, "TRACE"), expect.HeaderLacksToken("Access-Control-Allow-Methods", "TRACE"))),
			suite.Eventually("the application itself implements no CORS",
				suite.Ask(from(bare, "GET", friend), expect.Status(200), expect.NoCORS())),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("VirtualService", "cors", expect.HeaderField("Access-Control-Allow-Methods"), []any{"GET"}, "spec", "http", "0", "corsPolicy", "allowMethods"),
			suite.Replace("VirtualService", "cors", expect.HeaderField("Access-Control-Allow-Origin"), "https?://(.*)", "spec", "http", "0", "corsPolicy", "allowOrigins", "0", "regex").
				At("an origin that does not match gets no CORS header"),
			suite.Replace("VirtualService", "cors", expect.HeaderField("Access-Control-Allow-Origin"), "https?://127\\.0\\.0\\.1.*", "spec", "http", "0", "corsPolicy", "allowOrigins", "1", "regex").
				At("an actual request of each method carries the origin that asked"),
			edited("a method that is not allowed is not listed", "TRACE is allowed", expect.HeaderField("Access-Control-Allow-Methods"),
				manifest.SetField("VirtualService", "cors", []any{"TRACE"}, "spec", "http", "0", "corsPolicy", "allowMethods"),
				preflight(friend, "TRACE"), expect.Header("Access-Control-Allow-Methods", "TRACE")),
			suite.Replace("VirtualService", "no-cors", expect.HeaderField("Access-Control-Allow-Origin"), map[string]any{
				"headers": map[string]any{"response": map[string]any{"set": map[string]any{"access-control-allow-origin": "*"}}},
				"route":   routeTo("my-app"),
			}, "spec", "http", "0").Called("the application allows every origin").At("the application itself implements no CORS"),
		},
	}
}

package suite_test

import (
	"fmt"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/runner"
	"meshgate/framework/suite"
)

// feature is a feature with these steps and sabotages, of a suite that is otherwise complete.
func feature(steps []suite.Step, sabotage ...suite.Sabotage) suite.Suite {
	return suite.Suite{Name: "shop", Promise: "The shop is served.", Features: []suite.Feature{{
		Name: "Served", Promise: "The shop is served.", Spec: "docs/spec/shop.md", Steps: steps, Sabotage: sabotage,
	}}}
}

// A later step finds the line of an earlier request in the access log of the gateway.
func ExampleLineOf() {
	const refused, logged = "the host is refused", "the gateway's line says that it had no route"
	steps := []suite.Step{
		suite.Eventually(refused, suite.Ask(probe.GET("https://shop.example.com/"), expect.Status(404), expect.FromGateway()).As("request")),
		suite.Eventually(logged, suite.LineOf("request", suite.GatewayProxy(""), expect.FlagsAre("NR"), expect.NoUpstream())),
	}
	answered := suite.BreakBefore(refused, "the route answers 404 itself", expect.FieldLogFlags, suite.Apply(suite.Fixtures("shop/answered.yaml"))).At(logged)
	fmt.Println(runner.Validate(feature(steps, answered)))
	// Output: <nil>
}

// What a sabotage names is checked without a cluster: no check of the step has a field
// "loction", and a Gateway has no field "httpRedirect".
func ExampleReplace() {
	steps := []suite.Step{
		suite.Eventually("port 80 redirects", suite.Ask(probe.GET("http://shop.example.com/"), expect.Status(301), expect.Location("https://shop.example.com/"))),
	}
	wrongField := suite.Replace("Gateway", "shop", "loction", false, "spec", "servers", "0", "tls", "httpsRedirect")
	fmt.Println(runner.Validate(feature(steps, wrongField)))
	wrongPath := suite.BreakBefore("port 80 redirects", "without the redirect", expect.FieldStatus,
		suite.Set("Gateway", "shop", false, "spec", "servers", "0", "tls", "httpRedirect"))
	fmt.Println(runner.Validate(feature(steps, wrongPath)))
	// Output:
	// suite shop: feature Served: sabotage "Gateway shop with spec.servers.0.tls.httpsRedirect = false": no check of step "port 80 redirects" can find the field "loction" wrong; the nearest there is: "Location"; the step's fields: Location, status
	// suite shop: feature Served: sabotage "without the redirect": edit SetField Gateway shop spec.servers.0.tls.httpRedirect: Gateway spec.servers.0.tls.httpRedirect: no such field; the nearest there is: "httpsRedirect"
}

// A step that asserts a refusal comes after a control: the same client reaches the same
// target while it is allowed to.
func ExampleControl() {
	reached := suite.Ask(probe.GET("http://shop.example.com/"), expect.Status(200)).From("bookinfo", "agent")
	refused := suite.Ask(probe.GET("http://shop.example.com/"), expect.Status(502)).From("bookinfo", "agent")
	steps := []suite.Step{
		suite.Control("the agent reaches the shop", reached),
		suite.Do("the host is no longer registered", suite.Delete("ServiceEntry", "shop")),
		suite.Eventually("the agent is refused", refused),
		suite.Stay("the agent stays refused", refused),
	}
	for _, s := range steps {
		fmt.Printf("%s: %s\n", s.Kind, s.Name)
	}
	// Output:
	// control: the agent reaches the shop
	// given: the host is no longer registered
	// then: the agent is refused
	// then: the agent stays refused
}

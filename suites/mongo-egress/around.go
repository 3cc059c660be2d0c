package mongoegress

import (
	"context"
	"fmt"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

// noWayAround: seed 001 warns that the sidecar is no wall; what makes one is a
// NetworkPolicy beside it.
func noWayAround(at *string) suite.Feature {
	outsider := func(checks ...expect.Check) suite.Exchange {
		return suite.AskLate(read(at), checks...).From("bookinfo", "outsider")
	}
	unheard := suite.AskLate(func(e *suite.Env) probe.Request {
		r := read(at)(e)
		r.Timeout = e.Budget.Settled // an answer is not expected
		return r
	}, expect.Dropped()).From("bookinfo", "outsider")
	return suite.Feature{
		Name:    "NoWayAround",
		Promise: "Without the route a pod's sidecar lets nothing out; and where policies are enforced, a pod without one is stopped as well.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.AccessLog},
		Given:   way(at),
		Then: []suite.Step{
			suite.Control("the pod reaches the database through the gateway", fromAgent(at, expect.Documents(ratingsdb.OneStarEach))),
			suite.Do("the route is withdrawn", suite.After(suite.Withdrawn("VirtualService", route), suite.Withdrawn("ServiceEntry", "mongodb"))),
			suite.Eventually("then the same pod is refused", fromAgent(at, expect.Severed())),
			suite.Stay("and stays refused", fromAgent(at, expect.Unanswered())),
			suite.Holds("by its own sidecar, for the address is not in the registry", blackHoled(at)),
			suite.Needing(mesh.NetworkPolicy, suite.Control("but a pod without a sidecar reaches it past the mesh", outsider(expect.Documents(ratingsdb.OneStarEach)))),
			suite.Needing(mesh.NetworkPolicy, suite.Do("a policy allows nothing but the gateways out", suite.Standing(suite.Apply("mongo-egress/no-way-around/*.yaml")))),
			suite.Needing(mesh.NetworkPolicy, suite.Eventually("then the pod without a sidecar gets no answer", unheard)),
			suite.Do("the route is there again", again(at)),
			suite.Eventually("and the pod with a sidecar reaches it through the gateway", fromAgent(at, expect.Documents(ratingsdb.OneStarEach))),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "mongo-egress", "documents"),
			suite.Withhold("ServiceEntry", "mongodb", "documents"),
			suite.Meddle("then the same pod is refused", "the route is there again", "failure", suite.After(again(at), suite.Until(reads(at)))),
			suite.Meddle("and stays refused", "a sidecar that lets everything out from then on", "failure", beside(allowAny, reads(at))),
			suite.Meddle("the route is withdrawn", "the address is known as another's", "access-log lines", elsewhere(at)).At("by its own sidecar, for the address is not in the registry"),
			suite.Besides("a second policy with a hole", "failure", suite.Apply("mongo-egress/sabotage/hole.yaml")).At("then the pod without a sidecar gets no answer"),
			suite.Meddle("and the pod with a sidecar reaches it through the gateway", "without the gateway's port from then on", "documents",
				suite.After(suite.Until(reads(at)), without("Gateway", "mongo-egress", suite.Untrue(reads(at))))),
		},
	}
}

// blackHoled: the sidecar's log says why (REGISTRY_ONLY), of one more connection.
func blackHoled(at *string) suite.Deed {
	return func(ctx context.Context, e *suite.Env) error {
		asked := time.Now()
		e.AskFrom(ctx, "bookinfo", "agent", read(at)(e))
		return e.Await(ctx, "the sidecar's line of a refused connection", func(ctx context.Context) error {
			return e.Sidecar("bookinfo", "agent").Says(ctx, expect.ClusterIs("BlackHoleCluster"), expect.DownstreamPortIs(port), expect.FlagsAre("UH"), expect.StartedAfter(asked))
		})
	}
}

// addressChange: seed 004's note. The mesh cannot know the new address; whoever renders
// its configuration must notice.
func addressChange(at *string) suite.Feature {
	var before string
	old := func(checks ...expect.Check) suite.Exchange { return fromAgent(&before, checks...) }
	return suite.Feature{
		Name:    "AddressChange",
		Promise: "When the database's address changes, traffic fails at the gateway until the configuration is rendered anew, and then is back.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.AccessLog},
		Given:   way(at),
		Then: []suite.Step{
			suite.Eventually("the database is reached", fromAgent(at, expect.Documents(ratingsdb.OneStarEach))),
			suite.Do("its load balancer gets another address", func(ctx context.Context, e *suite.Env) (err error) {
				before = *at
				*at, err = move(ctx, e, before)
				return err
			}),
			suite.Eventually("the old address fails", old(expect.FailedWith(probe.ClassClosed, probe.ClassReset, probe.ClassTimeout))),
			suite.Becomes("because the gateway does not reach it", func(ctx context.Context, e *suite.Env) error {
				asked, err := e.Sidecar("bookinfo", "agent").Addresses(ctx)
				if err != nil {
					return err
				}
				return e.Through(gateway).Says(ctx, expect.DownstreamHostIn(asked...), expect.ClusterIs(external), expect.FlagsContain("UF"))
			}),
			suite.Do("ServiceEntry and VirtualService are rendered anew", func(ctx context.Context, e *suite.Env) error {
				return e.Stand(ctx, way(at))
			}),
			suite.Eventually("the database is reached by its new address", fromAgent(at, expect.Documents(ratingsdb.OneStarEach))),
			suite.Holds("through the gateway", onlyToGateway("agent")),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "mongo-egress", "documents"),
			suite.Meddle("the old address fails", "the gateway knows the new address already", "failure", endpoint(at, reads(&before))),
			suite.Besides("no access log of the gateway", "access-log lines", silentGateway).At("because the gateway does not reach it"),
			suite.Meddle("the database is reached by its new address", "the gateway is sent to the old address", "documents", endpoint(&before, suite.Untrue(reads(at)))),
			suite.Meddle("through the gateway", "a way past the gateway", "connections of the sidecar", straight(at)),
		},
	}
}

// move gives the database's Service another address: while it is away another Service
// takes the one that it had.
func move(ctx context.Context, e *suite.Env, before string) (after string, err error) {
	err = e.Recreate(ctx, "Service", "mongodb", func(ctx context.Context) error {
		taken := manifest.SetField("Service", "placeholder", before, "spec", "loadBalancerIP")
		if err := e.Stand(ctx, []suite.Given{suite.Edited(suite.Apply("mongo-egress/address-change/*.yaml"), taken)}); err != nil {
			return err
		}
		_, err := e.LoadBalancer(ctx, "database", "placeholder")
		return err
	})
	if err != nil {
		return before, err
	}
	after, err = address(ctx, e)
	if err == nil && after == before {
		err = suite.Broken(fmt.Errorf("load balancer of the database: want another address than %s, got the same", before))
	}
	return after, err
}

// gatewayDown: what cannot take its way does not take another.
func gatewayDown(at *string) suite.Feature {
	var stopped time.Time
	return suite.Feature{
		Name:    "GatewayDown",
		Promise: "Without the egress gateway connections fail, and none goes straight to the database; with it they are back.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.OwnGateways, mesh.AccessLog},
		Given:   way(at),
		Then: []suite.Step{
			suite.Control("the database is reached", fromAgent(at, expect.Documents(ratingsdb.OneStarEach))),
			suite.Do("the gateway is stopped", func(ctx context.Context, e *suite.Env) error {
				err := e.StopGateway(ctx, gateway)
				stopped = time.Now()
				return err
			}),
			suite.Eventually("connections fail", fromAgent(at, expect.Severed())),
			suite.Stay("and go on failing", fromAgent(at, expect.Unanswered())),
			suite.Becomes("for want of a gateway, not of a database", func(ctx context.Context, e *suite.Env) error {
				lines, err := e.Sidecar("bookinfo", "agent").Lines(ctx)
				if err != nil {
					return err
				}
				if err := expect.SomeOf(lines, expect.ClusterIs(toGateway(e)), expect.FlagsContain("UH")); err != nil {
					return err
				}
				return expect.NoneOf(lines, expect.ClusterIs(external), expect.StartedAfter(stopped))
			}),
			suite.Do("the gateway is started again", func(ctx context.Context, e *suite.Env) error { return e.StartGateway(ctx, gateway) }),
			suite.Eventually("the database is reached again", fromAgent(at, expect.Documents(ratingsdb.OneStarEach))),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "mongo-egress", "documents"),
			suite.Withhold("VirtualService", route, "failure").At("connections fail"),
			suite.Meddle("and go on failing", "a way past the gateway", "failure", without("VirtualService", route, reads(at))),
			suite.Besides("no access log of the sidecar", "access-log lines", silentAgent()).At("for want of a gateway, not of a database"),
			suite.Meddle("the gateway is started again", "without the gateway's port from then on", "documents",
				suite.Withdrawn("Gateway", "mongo-egress")).At("the database is reached again"),
		},
	}
}

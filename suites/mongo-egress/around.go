package mongoegress

import (
	"context"
	"fmt"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// noWayAround: a sidecar alone is no wall, because a pod can do without one; a NetworkPolicy
// closes that hole.
func noWayAround(at *string) suite.Feature {
	const (
		routeDeleted    = "the route is deleted"
		refused         = "without the route the same pod is refused"
		staysRefused    = "without the route the same pod stays refused"
		oneMore         = "one more connection is attempted"
		unregistered    = "the pod's own sidecar refused it, for the address is not in the registry"
		outsiderDropped = "with the policy the pod without a sidecar gets no answer"
		backAgain       = "with the route the pod with a sidecar reaches the database through the gateway again"
	)
	reads := read(at, oneStarEach())
	routeBack := suite.Apply(throughGateway(at)...)
	return suite.Feature{
		Name:    "NoWayAround",
		Promise: "Without the route a pod's sidecar lets nothing out; and where policies are enforced, a pod without one is stopped as well.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.AccessLog},
		Setup:   throughGateway(at),
		Steps: []suite.Step{
			suite.Control("the pod reaches the database through the gateway", reads),
			suite.Do(routeDeleted, suite.Sequence(suite.Delete("VirtualService", route), suite.Delete("ServiceEntry", "mongodb"))),
			suite.Eventually(refused, read(at, expect.Severed())),
			suite.Stay(staysRefused, read(at, expect.Unanswered())),
			suite.Do(oneMore, suite.Send(read(at).As(oneMore))),
			suite.Eventually(unregistered, suite.LineOfConnection(oneMore, sidecar(), expect.ClusterIs("BlackHoleCluster"), expect.DownstreamPortIs(port), expect.FlagsAre("UH"))),
			suite.Needing(mesh.NetworkPolicy, suite.Control("a pod without a sidecar reaches the database past the mesh", fromOutsider(reads))),
			suite.Needing(mesh.NetworkPolicy, suite.Do("a policy allows nothing but the gateways out", suite.Apply(suite.Fixtures("mongo-egress/no-way-around/*.yaml")))),
			suite.Needing(mesh.NetworkPolicy, suite.Eventually(outsiderDropped, fromOutsider(briefly(read(at, expect.Dropped()))))),
			suite.Do("the route is applied again", routeBack),
			suite.Eventually(backAgain, reads),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "mongo-egress", expect.FieldDocuments),
			suite.Withhold("ServiceEntry", "mongodb", expect.FieldDocuments),
			suite.BreakBefore(refused, "the route is there again", expect.FieldFailure, suite.Sequence(routeBack, suite.WaitFor(reads))),
			suite.BreakBefore(staysRefused, "a sidecar that lets everything out from then on", expect.FieldFailure, withExtra(allowAny, reads)),
			suite.BreakBefore(routeDeleted, "the address is known as another's", expect.FieldLogUpstreamCluster, elsewhere(at)).At(unregistered),
			suite.AddObject("a second policy with a hole", expect.FieldFailure, suite.Fixtures("mongo-egress/sabotage/hole.yaml")).At(outsiderDropped),
			suite.BreakBefore(backAgain, "without the gateway's port from then on", expect.FieldDocuments,
				suite.Sequence(suite.WaitFor(reads), without("Gateway", "mongo-egress", suite.Not(reads)))),
		},
	}
}

// addressChange: the mesh cannot know the new address of an external database; whoever
// renders its configuration must notice.
func addressChange(at *string) suite.Feature {
	const (
		oldFails   = "the old address fails"
		cause      = "the gateway's line says that it does not reach the old address"
		newReached = "the database is reached by its new address"
		path       = "the sidecar reached the gateway, and not the database"
	)
	var before string
	return suite.Feature{
		Name:    "AddressChange",
		Promise: "When the database's address changes, traffic fails at the gateway until the configuration is rendered anew, and then is back.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.AccessLog},
		Setup:   throughGateway(at),
		Steps: []suite.Step{
			suite.Eventually("the database is reached", read(at, oneStarEach())),
			suite.Do("the database's load balancer gets another address", suite.Func(func(ctx context.Context, e suite.Env) (err error) {
				before = *at
				*at, err = move(ctx, e, before)
				return err
			})),
			suite.Eventually(oldFails, read(&before, expect.FailedWith(probe.ClassClosed, probe.ClassReset, probe.ClassTimeout))),
			suite.Eventually(cause, suite.That(gatewayFailed, expect.LineFields()...)),
			suite.Do("ServiceEntry and VirtualService are rendered anew", suite.Apply(throughGateway(at)...)),
			suite.Eventually(newReached, read(at, oneStarEach())),
			suite.Now(path, onlyToGateway("agent")),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "mongo-egress", expect.FieldDocuments),
			suite.BreakBefore(oldFails, "the gateway knows the new address already", expect.FieldFailure, endpoint(at, read(&before, oneStarEach()))),
			suite.AddObject("no access log of the gateway", expect.FieldLogLines, silentGateway).At(cause),
			suite.BreakBefore(newReached, "the gateway is sent to the old address", expect.FieldDocuments, endpoint(&before, suite.Not(read(at, oneStarEach())))),
			suite.BreakBefore(path, "a way past the gateway", fieldSidecarConnections, bypassOpened(at)),
		},
	}
}

// gatewayFailed wants a line of the gateway about a connection of the agent's pod that the
// upstream did not take.
func gatewayFailed(ctx context.Context, e suite.Env) error {
	clients, err := sidecar()(e).Addresses(ctx)
	if err != nil {
		return err
	}
	return e.Through(gateway).Says(ctx, expect.DownstreamHostIn(clients...), expect.ClusterIs(external), expect.FlagsContain("UF"))
}

// move gives the database's Service another address: while it is deleted, another Service
// takes the address that it had.
func move(ctx context.Context, e suite.Env, before string) (after string, err error) {
	err = e.Recreate(ctx, "Service", "mongodb", func(ctx context.Context) error {
		taken := manifest.SetField("Service", "placeholder", before, "spec", "loadBalancerIP")
		if err := e.Apply(ctx, suite.Edited(suite.Fixtures("mongo-egress/address-change/*.yaml"), taken)); err != nil {
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
		err = suite.Infrastructure(fmt.Errorf("load balancer of the database: want another address than %s, got the same", before))
	}
	return after, err
}

// gatewayDown: a connection that cannot take its route does not take another.
func gatewayDown(at *string) suite.Feature {
	const (
		fail     = "connections fail without the gateway"
		goOn     = "connections go on failing without the gateway"
		cause    = "the sidecar's lines say that the gateway was missing, and that nothing went to the database"
		started  = "the gateway is started again"
		backThen = "the database is reached again"
	)
	var stopped time.Time
	return suite.Feature{
		Name:    "GatewayDown",
		Promise: "Without the egress gateway connections fail, and none goes straight to the database; with it they are back.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.OwnGateways, mesh.AccessLog},
		Setup:   throughGateway(at),
		Steps: []suite.Step{
			suite.Control("the database is reached", read(at, oneStarEach())),
			suite.Do("the gateway is stopped", suite.Func(func(ctx context.Context, e suite.Env) error {
				err := e.StopGateway(ctx, gateway)
				stopped = time.Now()
				return err
			})),
			suite.Eventually(fail, read(at, expect.Severed())),
			suite.Stay(goOn, read(at, expect.Unanswered())),
			suite.Eventually(cause, suite.That(func(ctx context.Context, e suite.Env) error { return gatewayMissing(ctx, e, stopped) }, expect.LineFields()...)),
			suite.Do(started, suite.Func(func(ctx context.Context, e suite.Env) error { return e.StartGateway(ctx, gateway) })),
			suite.Eventually(backThen, read(at, oneStarEach())),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "mongo-egress", expect.FieldDocuments),
			suite.Withhold("VirtualService", route, expect.FieldFailure).At(fail),
			suite.BreakBefore(goOn, "a way past the gateway", expect.FieldFailure, without("VirtualService", route, read(at, oneStarEach()))),
			suite.AddObject("no access log of the sidecar", expect.FieldLogLines, silentAgent()).At(cause),
			suite.BreakBefore(started, "without the gateway's port from then on", expect.FieldDocuments, suite.Delete("Gateway", "mongo-egress")).At(backThen),
		},
	}
}

// gatewayMissing wants a line of the sidecar without a healthy gateway, and none of a
// connection to the database since the gateway was stopped.
func gatewayMissing(ctx context.Context, e suite.Env, stopped time.Time) error {
	lines, err := sidecar()(e).Lines(ctx)
	if err != nil {
		return err
	}
	if err := expect.SomeOf(lines, expect.ClusterIs(toGateway(e)), expect.FlagsContain("UH")); err != nil {
		return err
	}
	return expect.NoneOf(lines, expect.ClusterIs(external), expect.StartedAfter(stopped))
}

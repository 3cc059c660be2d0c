package mongoegress

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"meshgate/framework/accesslog"
	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

// way is the one through the egress gateway, fitted to where the database is when it is
// made. The route comes before the host is known to the mesh: a driver that waits for it
// would else reach the database directly, and keep that connection.
func way(at *string) []suite.Given {
	return []suite.Given{
		func(e *suite.Env) (manifest.Set, error) {
			return suite.Edited(suite.Apply("mongo-egress/route/gateway.yaml", "mongo-egress/route/virtual-service.yaml"),
				manifest.SetField("VirtualService", route, []any{*at + "/32"}, "spec", "tcp", "0", "match", "0", "destinationSubnets"),
				manifest.SetField("VirtualService", route, e.Gateway(gateway).Service(), "spec", "tcp", "0", "route", "0", "destination", "host"))(e)
		},
		func(e *suite.Env) (manifest.Set, error) {
			return suite.Edited(suite.Apply("mongo-egress/route/service-entry.yaml"), suite.ExternalAddress("mongodb", *at)...)(e)
		},
	}
}

// fromAgent asks from a pod of the mesh.
func fromAgent(at *string, checks ...expect.Check) suite.Exchange {
	return suite.AskLate(read(at), checks...).From("bookinfo", "agent")
}

// route is the VirtualService that makes the way.
const route = "direct-mongo-through-egress-gateway"

// The clusters of proxies' configuration.
const external = "outbound|27018||" + host

func toGateway(e *suite.Env) string {
	return fmt.Sprintf("outbound|%d||%s", gatewayPort, e.Gateway(gateway).Service())
}

func throughEgressGateway(at *string) suite.Feature {
	const name, shop = "through-egress-gateway", "page.egress.example.com"
	return suite.Feature{
		Name:    "ThroughEgressGateway",
		Promise: "The page shows the stars of the external database, and the egress gateway is on the way.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.AccessLog},
		Given: append(way(at),
			suite.Credential(name+"-page", pki.Leaf{DNSNames: []string{shop}}), suite.Apply("mongo-egress/through-egress-gateway/*.yaml")),
		Then: []suite.Step{
			suite.Eventually("Reviewer 1 has one red star", suite.Ask(probe.GET("https://"+shop+"/productpage"),
				expect.Status(200), expect.Stars("Reviewer1", 1), expect.StarColor("Reviewer1", "red"))),
			suite.Holds("ratings-v2 reached the gateway, and not the database", onlyToGateway("ratings")),
			suite.Holds("the gateway reached the database", gatewayReached(at)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", route, "connections of the sidecar").At("ratings-v2 reached the gateway, and not the database"),
			suite.Withhold("Gateway", "mongo-egress", "stars by Reviewer1"),
			suite.Withhold("ServiceEntry", "mongodb", "stars by Reviewer1"),
			suite.Replace("VirtualService", route, "stars by Reviewer1", 27019, "spec", "tcp", "1", "route", "0", "destination", "port", "number"),
			suite.Meddle("the gateway reached the database", "without a trace of the database in the gateway", "connections of the egress gateway",
				without("ServiceEntry", "mongodb", suite.Untrue(gatewayReached(at)))),
		},
	}
}

// onlyToGateway: the application's sidecar has opened connections to the egress gateway,
// and none to the external database.
func onlyToGateway(app string) func(context.Context, *suite.Env) error {
	return func(ctx context.Context, e *suite.Env) error {
		there, err := e.Sidecar("bookinfo", app).Opened(ctx, toGateway(e))
		if err != nil {
			return err
		}
		direct, err := e.Sidecar("bookinfo", app).Opened(ctx, external)
		if err != nil || there > 0 && direct == 0 {
			return err
		}
		return &expect.Mismatch{Field: "connections of the sidecar", Want: "some to the egress gateway, none to the database",
			Got: fmt.Sprintf("%d and %d", there, direct)}
	}
}

func gatewayReached(at *string) func(context.Context, *suite.Env) error {
	return func(ctx context.Context, e *suite.Env) error {
		n, err := e.Through(gateway).Opened(ctx, external)
		if err != nil || n > 0 {
			return err
		}
		return &expect.Mismatch{Field: "connections of the egress gateway", Want: "some to " + *at, Got: "none"}
	}
}

// egressAccessLog follows each connection of one client hop by hop: the port from which
// a proxy went on is the one from which the next was reached.
func egressAccessLog(at *string) suite.Feature {
	var seen probe.Observation
	return suite.Feature{
		Name:    "EgressAccessLog",
		Promise: "Each connection leaves a line in the sidecar's log and one in the egress gateway's, which say the same of it.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.AccessLog},
		Given:   way(at),
		Then: []suite.Step{
			suite.Becomes("a driver in the mesh reads the database over TLS of its own", func(ctx context.Context, e *suite.Env) error {
				seen = e.AskFrom(ctx, "bookinfo", "agent", read(at)(e))
				return expect.All(expect.Documents(ratingsdb.OneStarEach), expect.Verified(), expect.EncryptedOnTheWire(), expect.AtTheFirstTry())(seen)
			}),
			suite.Now("and the database takes nothing else, so that what reached it was encrypted",
				suite.AskLate(readClear(at), expect.Severed()).From("bookinfo", "outsider")),
			suite.Becomes("the sidecar sent each connection to the egress gateway", func(ctx context.Context, e *suite.Env) error {
				_, err := hops(ctx, e, seen)
				return err
			}),
			suite.Becomes("and the gateway each of them to the database", func(ctx context.Context, e *suite.Env) error {
				sent, err := hops(ctx, e, seen)
				if err != nil {
					return err
				}
				lines, err := e.Through(gateway).Lines(ctx)
				if err != nil {
					return err
				}
				for _, l := range sent {
					err := expect.ExactlyOne(lines, expect.ContinuationOf(l), expect.ClusterIs(external),
						expect.UpstreamHostIs(net.JoinHostPort(*at, strconv.Itoa(port))), expect.DownstreamPortIs(gatewayPort),
						expect.BytesBothWays(), expect.Lasted(), expect.FlagsAre("-"))
					if err != nil {
						return err
					}
				}
				return nil
			}),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "mongo-egress", "documents"),
			suite.Withhold("VirtualService", route, "log upstream cluster").At("the sidecar sent each connection to the egress gateway"),
			suite.Meddle("and the database takes nothing else, so that what reached it was encrypted", "no answer at all", "failure", cutOff(readClear(at))),
			suite.Besides("no access log of the gateway", "access-log lines", silentGateway).At("and the gateway each of them to the database"),
		},
	}
}

// hops are the sidecar's lines of the agent's connections.
func hops(ctx context.Context, e *suite.Env, seen probe.Observation) ([]accesslog.Line, error) {
	lines, err := e.Sidecar("bookinfo", "agent").Lines(ctx)
	if err != nil {
		return nil, err
	}
	var sent []accesslog.Line
	for _, local := range seen.Connections {
		mine := expect.Line(expect.DownstreamRemoteIs(local), expect.DownstreamPortIs(port))
		err := expect.ExactlyOne(lines, mine, expect.ClusterIs(toGateway(e)), expect.UpstreamPortIs(gatewayPort),
			expect.BytesBothWays(), expect.Lasted(), expect.FlagsAre("-"))
		if err != nil {
			return nil, err
		}
		sent = append(sent, expect.Those(lines, mine)...)
	}
	return sent, nil
}

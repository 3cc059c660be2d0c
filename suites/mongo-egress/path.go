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
	"meshgate/framework/suite"
)

// route is the VirtualService that sends the database's traffic through the gateway.
const route = "direct-mongo-through-egress-gateway"

// external is the cluster of the database in the configuration of proxies.
const external = "outbound|27018||" + host

// The fields of connections that proxies count.
const (
	fieldSidecarConnections expect.Field = "connections of the sidecar"
	fieldGatewayConnections expect.Field = "connections of the egress gateway"
)

// throughGateway makes the objects that send the database's traffic through the egress
// gateway, for the address that the database has when they are made. The route comes before
// the host is known to the mesh: a driver that waits for it would otherwise reach the
// database directly, and keep that connection.
func throughGateway(at *string) []suite.Setup {
	return []suite.Setup{
		func(e suite.Env) (manifest.Set, error) {
			return suite.Edited(suite.Fixtures("mongo-egress/route/gateway.yaml", "mongo-egress/route/virtual-service.yaml"),
				manifest.SetField("VirtualService", route, []any{*at + "/32"}, "spec", "tcp", "0", "match", "0", "destinationSubnets"),
				manifest.SetField("VirtualService", route, e.Gateway(gateway).Service(), "spec", "tcp", "0", "route", "0", "destination", "host"))(e)
		},
		func(e suite.Env) (manifest.Set, error) {
			return suite.Edited(suite.Fixtures("mongo-egress/route/service-entry.yaml"), suite.ExternalAddress("mongodb", *at)...)(e)
		},
	}
}

// toGateway is the cluster of the egress gateway in the configuration of sidecars.
func toGateway(e suite.Env) string {
	return fmt.Sprintf("outbound|%d||%s", gatewayPort, e.Gateway(gateway).Service())
}

func throughEgressGateway(at *string) suite.Feature {
	const (
		name, shop = "through-egress-gateway", "page.egress.example.com"

		toTheGateway  = "ratings-v2 reached the gateway, and not the database"
		toTheDatabase = "the gateway reached the database"
	)
	return suite.Feature{
		Name:    "ThroughEgressGateway",
		Promise: "The page shows the stars of the external database, and the egress gateway is on the way.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.AccessLog},
		Setup: append(throughGateway(at),
			suite.Credential(name+"-page", pki.Leaf{DNSNames: []string{shop}}), suite.Fixtures("mongo-egress/through-egress-gateway/*.yaml")),
		Steps: []suite.Step{
			suite.Eventually("Reviewer 1 has one red star", suite.Ask(probe.GET("https://"+shop+"/productpage"),
				expect.Status(200), expect.Stars("Reviewer1", 1), expect.StarColor("Reviewer1", "red"))),
			suite.Now(toTheGateway, onlyToGateway("ratings")),
			suite.Now(toTheDatabase, gatewayReached()),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", route, fieldSidecarConnections).At(toTheGateway),
			suite.Withhold("Gateway", "mongo-egress", expect.StarsField("Reviewer1")),
			suite.Withhold("ServiceEntry", "mongodb", expect.StarsField("Reviewer1")),
			suite.Replace("VirtualService", route, expect.StarsField("Reviewer1"), 27019, "spec", "tcp", "1", "route", "0", "destination", "port", "number"),
			suite.BreakBefore(toTheDatabase, "without a trace of the database in the gateway", fieldGatewayConnections,
				without("ServiceEntry", "mongodb", suite.Not(gatewayReached()))),
		},
	}
}

// onlyToGateway: the application's sidecar has opened connections to the egress gateway,
// and none to the external database.
func onlyToGateway(app string) suite.Condition {
	return suite.That(func(ctx context.Context, e suite.Env) error {
		there, err := e.Sidecar("bookinfo", app).Opened(ctx, toGateway(e))
		if err != nil {
			return err
		}
		direct, err := e.Sidecar("bookinfo", app).Opened(ctx, external)
		if err != nil || there > 0 && direct == 0 {
			return err
		}
		return &expect.Mismatch{Field: fieldSidecarConnections, Want: "some to the egress gateway, none to the database",
			Got: fmt.Sprintf("%d and %d", there, direct)}
	}, fieldSidecarConnections)
}

func gatewayReached() suite.Condition {
	return suite.ConnectedTo(fieldGatewayConnections, suite.GatewayProxy(gateway), external)
}

// egressAccessLog follows each connection of one client hop by hop: the port from which
// a proxy went on is the one from which the next was reached.
func egressAccessLog(at *string) suite.Feature {
	const (
		driver = "driver"

		encrypted     = "the database refuses a client without TLS, so that what reached it was encrypted"
		toTheGateway  = "the sidecar sent each connection to the egress gateway"
		toTheDatabase = "the gateway sent each connection to the database"
	)
	return suite.Feature{
		Name:    "EgressAccessLog",
		Promise: "Each connection leaves a line in the sidecar's log and one in the egress gateway's, which say the same of it.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.AccessLog},
		Setup:   throughGateway(at),
		Steps: []suite.Step{
			suite.Eventually("a driver in the mesh reads the database over TLS of its own",
				read(at, oneStarEach(), expect.Verified(), expect.EncryptedOnTheWire(), expect.AtTheFirstTry()).As(driver)),
			suite.Now(encrypted, fromOutsider(inClear(read(at, expect.Severed())))),
			suite.Eventually(toTheGateway, suite.That(func(ctx context.Context, e suite.Env) error {
				_, err := sidecarLines(ctx, e, driver)
				return err
			}, expect.LineFields(ofSidecar("", "")...)...)),
			suite.Eventually(toTheDatabase, suite.That(func(ctx context.Context, e suite.Env) error {
				return gatewayLines(ctx, e, driver, *at)
			}, expect.LineFields(ofGateway(accesslog.Line{}, "")...)...)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "mongo-egress", expect.FieldDocuments),
			suite.Withhold("VirtualService", route, expect.FieldLogUpstreamCluster).At(toTheGateway),
			suite.BreakBefore(encrypted, "no answer at all", expect.FieldFailure, cutOff(at)),
			suite.AddObject("no access log of the gateway", expect.FieldLogLines, silentGateway).At(toTheDatabase),
		},
	}
}

// ofSidecar is what the sidecar's line of a connection must say, the first check which
// connection is meant.
func ofSidecar(local, cluster string) []expect.LineCheck {
	return []expect.LineCheck{expect.Line(expect.DownstreamRemoteIs(local), expect.DownstreamPortIs(port)), expect.ClusterIs(cluster),
		expect.UpstreamPortIs(gatewayPort), expect.BytesBothWays(), expect.Lasted(), expect.FlagsAre("-")}
}

// ofGateway is what the gateway's line of a connection must say that the sidecar's line l
// is about.
func ofGateway(l accesslog.Line, at string) []expect.LineCheck {
	return []expect.LineCheck{expect.ContinuationOf(l), expect.ClusterIs(external), expect.UpstreamHostIs(net.JoinHostPort(at, strconv.Itoa(port))),
		expect.DownstreamPortIs(gatewayPort), expect.BytesBothWays(), expect.Lasted(), expect.FlagsAre("-")}
}

// sidecarLines are the sidecar's lines of the driver's connections.
func sidecarLines(ctx context.Context, e suite.Env, driver string) ([]accesslog.Line, error) {
	seen, err := e.Exchanged(driver)
	if err != nil {
		return nil, err
	}
	lines, err := sidecar()(e).Lines(ctx)
	if err != nil {
		return nil, err
	}
	var sent []accesslog.Line
	for _, local := range seen.Connections {
		checks := ofSidecar(local, toGateway(e))
		if err := expect.ExactlyOne(lines, checks...); err != nil {
			return nil, err
		}
		sent = append(sent, expect.Those(lines, checks[0])...)
	}
	return sent, nil
}

// gatewayLines wants the gateway to have a line for each of these connections.
func gatewayLines(ctx context.Context, e suite.Env, driver, at string) error {
	sent, err := sidecarLines(ctx, e, driver)
	if err != nil {
		return err
	}
	lines, err := e.Through(gateway).Lines(ctx)
	if err != nil {
		return err
	}
	for _, l := range sent {
		if err := expect.ExactlyOne(lines, ofGateway(l, at)...); err != nil {
			return err
		}
	}
	return nil
}

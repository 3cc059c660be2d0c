package mongoingress

import (
	"context"
	"fmt"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

// The fields of connections that proxies count.
const (
	fieldRatingsConnections expect.Field = "connections of ratings-v2's sidecar"
	fieldGatewayConnections expect.Field = "connections of the gateway to the database"
)

// page asks for a page of bookinfo through the shared gateway.
func page(url string, checks ...expect.Check) suite.Exchange {
	return suite.Ask(probe.GET(url), append([]expect.Check{expect.Status(200)}, checks...)...)
}

func pageCredential(feature, host string) suite.Setup {
	return suite.Credential(feature+"-page", pki.Leaf{DNSNames: []string{host}})
}

// external fits the ServiceEntry of the database's external address to the address that
// the load balancer gave.
func external(glob string) suite.Setup {
	return func(e suite.Env) (manifest.Set, error) {
		return suite.Edited(suite.Fixtures(glob), suite.ExternalAddress("mongo-external", e.Gateway(gateway).Host)...)(e)
	}
}

// rate changes the rating in the database, as its administrator.
func rate(host string, n int) func(context.Context, suite.Env) error {
	return func(ctx context.Context, e suite.Env) error {
		m, seen := e.HoldMongo(ctx, gateway, asRoot(e, host))
		if err := expect.Connected().Judge(seen); err != nil {
			return err
		}
		defer m.Close()
		return suite.Infrastructure(ratingsdb.Rate(ctx, m.Database(), n))
	}
}

// ratingsFromMongo changes what the other features read, so that it runs alone.
func ratingsFromMongo() suite.Feature {
	const (
		name, host, shop = "ratings-from-mongo", "mongo.example.com", "ratings.mongo.example.com"
		stars            = "https://" + shop + "/productpage"

		four           = "the page shows four stars, without a restart of anything"
		throughGateway = "ratings-v2 went through the gateway"
		one            = "the page shows one star again"
	)
	path := suite.That(throughTheGateway, fieldRatingsConnections)
	return suite.Feature{
		Name:    "RatingsFromMongo",
		Promise: "The page shows the stars that are in the database, which ratings-v2 reaches by its external address.",
		Spec:    spec,
		Alone:   true,
		Setup: []suite.Setup{credential(name, host), pageCredential(name, shop),
			suite.Fixtures("mongo-ingress/ratings-from-mongo/gateway.yaml", "mongo-ingress/ratings-from-mongo/virtual-service.yaml", "mongo-ingress/ratings-from-mongo/page.yaml"),
			external("mongo-ingress/ratings-from-mongo/service-entry.yaml")},
		Steps: []suite.Step{
			suite.Eventually("Reviewer 1 has one red star", page(stars, expect.Stars("Reviewer1", 1), expect.StarColor("Reviewer1", "red"))),
			suite.Do("the rating becomes four in the database", suite.Func(func(ctx context.Context, e suite.Env) error {
				e.Finally(func(ctx context.Context) error { return rate(host, 1)(ctx, e) }) // also where a step between fails: the other features read one star
				return rate(host, 4)(ctx, e)
			})),
			suite.Eventually(four, page(stars, expect.Stars("Reviewer1", 4), expect.Stars("Reviewer2", 4))),
			suite.Now(throughGateway, path),
			suite.Do("the rating becomes one again", suite.Func(rate(host, 1))),
			suite.Eventually(one, page(stars, expect.Stars("Reviewer1", 1))),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("ServiceEntry", "mongo-external", expect.StarsField("Reviewer1")),
			suite.Replace("ServiceEntry", "mongo-external", expect.StarsField("Reviewer1"), 27019, "spec", "ports", "0", "number"),
			suite.Withhold("VirtualService", name, expect.StarsField("Reviewer1")),
			suite.Withhold("VirtualService", name+"-page", expect.FieldStatus),
			suite.BreakBefore(four, "the page of one star is answered from then on", expect.StarsField("Reviewer1"),
				cached(name+"-page", suite.Ask(probe.GET(stars), expect.Stars("Reviewer1", 4)))),
			suite.BreakBefore(throughGateway, "without a trace of the external address", fieldRatingsConnections, without("ServiceEntry", "mongo-external", path)),
			suite.BreakBefore(one, "the page of four stars is answered from then on", expect.StarsField("Reviewer1"),
				cached(name+"-page", suite.Ask(probe.GET(stars), expect.Stars("Reviewer1", 1)))),
		},
	}
}

// throughTheGateway: the sidecar of ratings-v2 has connections to the external address, and
// none to the database's Service.
func throughTheGateway(ctx context.Context, e suite.Env) error {
	out, err := e.Sidecar("bookinfo", "ratings").Opened(ctx, "outbound|27018||mongo.example.com")
	if err != nil {
		return err
	}
	direct, err := e.Sidecar("bookinfo", "ratings").Opened(ctx, inMesh(e))
	if err != nil || out > 0 && direct == 0 {
		return err
	}
	return &expect.Mismatch{Field: fieldRatingsConnections, Want: "some to mongo.example.com:27018, none to the Service",
		Got: fmt.Sprintf("%d and %d", out, direct)}
}

// inMesh is the cluster of the database in the configuration of proxies.
func inMesh(e suite.Env) string {
	return "outbound|27017||mongodb." + e.Namespace("bookinfo") + ".svc.cluster.local"
}

// mongoAccessLog: each connection leaves one line that says where it came from, where it
// went and what it carried.
func mongoAccessLog() suite.Feature {
	const (
		name, host, driver = "mongo-access-log", "log.mongo.example.com", "driver"

		ofGateway = "each connection of the driver is a line of the gateway"
		ofSidecar = "each connection of the driver is a line of the database's sidecar, over mutual TLS"
	)
	var before int
	return suite.Feature{
		Name:    "MongoAccessLog",
		Promise: "Each connection leaves one line in the gateway's log, with its SNI, its ports, its cluster and the bytes both ways.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.AccessLog},
		Setup:   []suite.Setup{credential(name, host), suite.Fixtures("mongo-ingress/mongo-access-log/*.yaml")},
		Steps: []suite.Step{
			suite.Do("the gateway's connections to the database are counted", suite.Func(func(ctx context.Context, e suite.Env) (err error) {
				before, err = e.Through(gateway).Opened(ctx, inMesh(e))
				return err
			})),
			suite.Eventually("a driver reads the database", read(host, oneStarEach(), expect.AtTheFirstTry()).As(driver)),
			suite.Eventually(ofGateway, gatewayLines(host, driver)),
			suite.Eventually(ofSidecar, sidecarLines(host)),
			suite.Now("the gateway counted them on their way to the database", suite.That(func(ctx context.Context, e suite.Env) error {
				return counted(ctx, e, driver, before)
			}, fieldGatewayConnections)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", name, expect.FieldDocuments),
			suite.Replace("Gateway", name, expect.FieldDocuments, []any{"other.mongo.example.com"}, "spec", "servers", "0", "hosts"),
			suite.BreakBefore(ofGateway, "another driver reads too", expect.FieldLogLines, onceMore(host, driver)),
			suite.BreakBefore(ofSidecar, "the gateway asks in the clear", expect.FieldLogSNI, inTheClear(name, host)),
		},
	}
}

// counted wants the gateway to have opened a connection to the database for each of the
// driver's, since before.
func counted(ctx context.Context, e suite.Env, driver string, before int) error {
	seen, err := e.Exchanged(driver)
	if err != nil {
		return err
	}
	after, err := e.Through(gateway).Opened(ctx, inMesh(e))
	if err != nil || after-before >= len(seen.Connections) {
		return err
	}
	return &expect.Mismatch{Field: fieldGatewayConnections, Want: fmt.Sprintf("at least %d more", len(seen.Connections)), Got: fmt.Sprintf("%d more", after-before)}
}

// carried picks the lines of connections to a host that brought the driver something. One
// that never came through, while the configuration was on its way, is not meant.
func carried(host string) expect.LineCheck {
	return expect.Line(expect.SNIIs(host), expect.BytesBothWays())
}

// gatewayLines wants a line of the gateway for each connection of the driver.
func gatewayLines(host, driver string) suite.Condition {
	says := func(cluster string) []expect.LineCheck {
		return []expect.LineCheck{carried(host), expect.ClusterIs(cluster), expect.DownstreamPortIs(tlsPort), expect.UpstreamPortIs(clearPort), expect.FlagsAre("-"), expect.Lasted()}
	}
	return suite.That(func(ctx context.Context, e suite.Env) error {
		seen, err := e.Exchanged(driver)
		if err != nil {
			return err
		}
		lines, err := e.Through(gateway).Lines(ctx)
		if err != nil {
			return err
		}
		return expect.Lines(lines, len(seen.Connections), says(inMesh(e))...)
	}, expect.LineFields(says("")...)...)
}

// sidecarLines looks for the other end of every line of the gateway: the port from which
// the gateway went on is the one from which the sidecar was reached.
func sidecarLines(host string) suite.Condition {
	says := func(sni string) []expect.LineCheck {
		return []expect.LineCheck{expect.ClusterIs("inbound|27017||"), expect.BytesBothWays(), expect.SNIIs(sni)}
	}
	return suite.That(func(ctx context.Context, e suite.Env) error {
		lines, err := e.Through(gateway).Lines(ctx)
		if err != nil {
			return err
		}
		inbound, err := e.Sidecar("bookinfo", "mongodb").Lines(ctx)
		if err != nil {
			return err
		}
		sni := "outbound_.27017_._." + strings.TrimPrefix(inMesh(e), "outbound|27017||")
		for _, l := range expect.Those(lines, carried(host)) {
			if err := expect.ExactlyOne(inbound, append([]expect.LineCheck{expect.ContinuationOf(l)}, says(sni)...)...); err != nil {
				return err
			}
		}
		return nil
	}, expect.LineFields(says("")...)...)
}

// twoGatewaysApart stops a gateway that the other features use, so that it runs alone.
func twoGatewaysApart() suite.Feature {
	const (
		name, host, shop = "two-gateways-apart", "apart.mongo.example.com", "page.mongo.example.com"
		products         = "https://" + shop + "/api/v1/products" // for which bookinfo needs no database

		pageLogged     = "the page is in the shared gateway's log alone"
		databaseLogged = "the database is in its own gateway's log alone"
		databaseAway   = "the database is out of reach"
		pageServed     = "the page is served"
		started        = "the database's gateway is started again"
		databaseBack   = "the database is back"
		pageAway       = "the page is out of reach"
		databaseServed = "the database is served"
	)
	database := read(host, oneStarEach())
	return suite.Feature{
		Name:    "TwoGatewaysApart",
		Promise: "Neither gateway carries the other's traffic, and one serves when the other is gone.",
		Spec:    spec,
		Alone:   true,
		Needs:   []mesh.Capability{mesh.OwnGateways, mesh.AccessLog},
		Setup:   []suite.Setup{credential(name, host), pageCredential(name, shop), suite.Fixtures("mongo-ingress/two-gateways-apart/*.yaml")},
		Steps: []suite.Step{
			suite.Eventually("each gateway serves what it is for", page(products), database),
			suite.Eventually(pageLogged, suite.That(onlyHTTP, expect.FieldLogLines)),
			suite.Eventually(databaseLogged, suite.That(onlyMongo(host), expect.FieldLogLines)),
			suite.Do("the database's gateway is stopped", suite.Func(func(ctx context.Context, e suite.Env) error { return e.StopGateway(ctx, gateway) })),
			suite.Eventually(databaseAway, briefly(read(host, expect.FailedWith(probe.ClassRefused, probe.ClassUnreachable, probe.ClassTimeout, probe.ClassReset, probe.ClassClosed)))),
			suite.Now(pageServed, page(products)),
			suite.Do(started, startGateway()),
			suite.Eventually(databaseBack, database),
			suite.Do("the page's Gateway is deleted", suite.Delete("Gateway", name+"-page")),
			suite.Eventually(pageAway, suite.Ask(probe.GET(products), expect.FailedWith(probe.ClassClosed, probe.ClassReset, probe.ClassTLSAlert, probe.ClassRefused))),
			suite.Now(databaseServed, database),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", name, expect.FieldDocuments),
			suite.Withhold("VirtualService", name+"-page", expect.FieldStatus),
			suite.BreakBefore(pageLogged, "the page's route leads to the database", expect.FieldLogLines, misrouted(name+"-page", products)),
			suite.BreakBefore(databaseLogged, "the database's gateway takes HTTP", expect.FieldLogLines, takesHTTP(name, shop)),
			suite.BreakBefore(databaseAway, "its gateway comes back by itself", expect.FieldFailure, suite.Sequence(startGateway(), suite.WaitFor(steadily(database)))),
			suite.BreakBefore(pageServed, "without the page's route while the other gateway is away", expect.FieldStatus, without("VirtualService", name+"-page", page(products))),
			suite.BreakBefore(started, "without the database's route from then on", expect.FieldDocuments, suite.Delete("VirtualService", name)).At(databaseBack),
			suite.AddObject("a second Gateway for the page", expect.FieldFailure, pageAgain(name)).At(pageAway),
			suite.BreakBefore(databaseServed, "without the database's route at last", expect.FieldDocuments, without("VirtualService", name, database)),
		},
	}
}

func startGateway() suite.Action {
	return suite.Func(func(ctx context.Context, e suite.Env) error { return e.StartGateway(ctx, gateway) })
}

// onlyHTTP wants no line of the shared gateway with the database's cluster.
func onlyHTTP(ctx context.Context, e suite.Env) error {
	lines, err := e.Through("").Lines(ctx)
	if err != nil {
		return err
	}
	return expect.NoneOf(lines, expect.ClusterIs(inMesh(e)))
}

// onlyMongo wants lines of the database's connections in its gateway's log, and no line of
// an HTTP request.
func onlyMongo(host string) func(context.Context, suite.Env) error {
	return func(ctx context.Context, e suite.Env) error {
		lines, err := e.Through(gateway).Lines(ctx)
		if err != nil {
			return err
		}
		if err := expect.SomeOf(lines, carried(host)); err != nil {
			return err
		}
		return expect.NoneOf(lines, expect.IsHTTP())
	}
}

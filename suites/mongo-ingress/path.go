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

// page is a page of bookinfo behind the shared gateway.
func page(url string, checks ...expect.Check) suite.Exchange {
	return suite.Ask(probe.GET(url), append([]expect.Check{expect.Status(200)}, checks...)...)
}

func pageCredential(feature, host string) suite.Given {
	return suite.Credential(feature+"-page", pki.Leaf{DNSNames: []string{host}})
}

// external fits what speaks of the database's external address to the one that the
// load balancer gave.
func external(glob string) suite.Given {
	return func(e *suite.Env) (manifest.Set, error) {
		return suite.Edited(suite.Apply(glob), suite.ExternalAddress("mongo-external", e.Gateway(gateway).Host)...)(e)
	}
}

// ratingsFromMongo changes what the others read: it is alone.
func ratingsFromMongo() suite.Feature {
	const name, host, shop = "ratings-from-mongo", "mongo.example.com", "ratings.mongo.example.com"
	const stars = "https://" + shop + "/productpage"
	rate := func(n int) func(context.Context, *suite.Env) error {
		return func(ctx context.Context, e *suite.Env) error {
			m, seen := e.HoldMongo(ctx, gateway, asRoot(e, host))
			if err := expect.Connected()(seen); err != nil {
				return err
			}
			defer m.Close()
			return suite.Broken(ratingsdb.Rate(ctx, m.Database(), n))
		}
	}
	return suite.Feature{
		Name:    "RatingsFromMongo",
		Promise: "The page shows the stars that are in the database, which ratings-v2 reaches by its external address.",
		Spec:    spec,
		Alone:   true,
		Given: []suite.Given{credential(name, host), pageCredential(name, shop),
			suite.Apply("mongo-ingress/ratings-from-mongo/gateway.yaml", "mongo-ingress/ratings-from-mongo/virtual-service.yaml", "mongo-ingress/ratings-from-mongo/page.yaml"),
			external("mongo-ingress/ratings-from-mongo/service-entry.yaml")},
		Then: []suite.Step{
			suite.Eventually("Reviewer 1 has one red star", page(stars, expect.Stars("Reviewer1", 1), expect.StarColor("Reviewer1", "red"))),
			suite.Do("the rating becomes four in the database", func(ctx context.Context, e *suite.Env) error {
				e.Finally(func(ctx context.Context) error { return rate(1)(ctx, e) }) // also where a step between fails: the others read one star
				return rate(4)(ctx, e)
			}),
			suite.Eventually("the page shows four stars, without a restart of anything", page(stars, expect.Stars("Reviewer1", 4), expect.Stars("Reviewer2", 4))),
			suite.Holds("ratings-v2 went through the gateway", throughGateway),
			suite.Do("the rating becomes one again", rate(1)),
			suite.Eventually("and the page shows one star", page(stars, expect.Stars("Reviewer1", 1))),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("ServiceEntry", "mongo-external", "stars by Reviewer1"),
			suite.Replace("ServiceEntry", "mongo-external", "stars by Reviewer1", 27019, "spec", "ports", "0", "number"),
			suite.Withhold("VirtualService", name, "stars by Reviewer1"),
			suite.Withhold("VirtualService", name+"-page", "status"),
			suite.Meddle("the page shows four stars, without a restart of anything", "the page of one star is answered from then on", "stars by Reviewer1",
				cached(name+"-page", shows(stars, expect.Stars("Reviewer1", 4)))),
			suite.Meddle("ratings-v2 went through the gateway", "without a trace of the external address", "connections of ratings-v2's sidecar",
				without("ServiceEntry", "mongo-external", throughGateway)),
			suite.Meddle("and the page shows one star", "the page of four stars is answered from then on", "stars by Reviewer1",
				cached(name+"-page", shows(stars, expect.Stars("Reviewer1", 1)))),
		},
	}
}

// throughGateway: the sidecar of ratings-v2 has connections to the external address, and
// none to the database's Service.
func throughGateway(ctx context.Context, e *suite.Env) error {
	out, err := e.Sidecar("bookinfo", "ratings").Opened(ctx, "outbound|27018||mongo.example.com")
	if err != nil {
		return err
	}
	direct, err := e.Sidecar("bookinfo", "ratings").Opened(ctx, inMesh(e))
	if err != nil {
		return err
	}
	if out > 0 && direct == 0 {
		return nil
	}
	return &expect.Mismatch{Field: "connections of ratings-v2's sidecar", Want: "some to mongo.example.com:27018, none to the Service",
		Got: fmt.Sprintf("%d and %d", out, direct)}
}

// inMesh is the cluster that stands for the database in proxies' configuration.
func inMesh(e *suite.Env) string {
	return "outbound|27017||mongodb." + e.Namespace("bookinfo") + ".svc.cluster.local"
}

// mongoAccessLog: each connection leaves one line that says where it came from, where it
// went and what it carried.
func mongoAccessLog() suite.Feature {
	const name, host = "mongo-access-log", "log.mongo.example.com"
	var before int
	var seen probe.Observation
	counted := func(ctx context.Context, e *suite.Env) error {
		after, err := e.Through(gateway).Opened(ctx, inMesh(e))
		if err != nil || after-before >= len(seen.Connections) {
			return err
		}
		return &expect.Mismatch{Field: "connections of the gateway to the database", Want: fmt.Sprintf("at least %d more", len(seen.Connections)), Got: fmt.Sprintf("%d more", after-before)}
	}
	return suite.Feature{
		Name:    "MongoAccessLog",
		Promise: "Each connection leaves one line in the gateway's log, with its SNI, its ports, its cluster and the bytes both ways.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.AccessLog},
		Given:   []suite.Given{credential(name, host), suite.Apply("mongo-ingress/mongo-access-log/*.yaml")},
		Then: []suite.Step{
			suite.Do("the gateway's connections to the database are counted", func(ctx context.Context, e *suite.Env) (err error) {
				before, err = e.Through(gateway).Opened(ctx, inMesh(e))
				return err
			}),
			suite.Becomes("a driver reads the database", func(ctx context.Context, e *suite.Env) error {
				seen = e.AskThrough(ctx, gateway, read(host)(e))
				return expect.All(expect.Documents(ratingsdb.OneStarEach), expect.AtTheFirstTry())(seen)
			}),
			suite.Becomes("each of its connections is a line of the gateway", func(ctx context.Context, e *suite.Env) error {
				lines, err := e.Through(gateway).Lines(ctx)
				if err != nil {
					return err
				}
				return expect.Lines(lines, len(seen.Connections), carried(host),
					expect.ClusterIs(inMesh(e)), expect.DownstreamPortIs(tlsPort), expect.UpstreamPortIs(clearPort),
					expect.FlagsAre("-"), expect.Lasted())
			}),
			suite.Becomes("and, over mutual TLS, one of the database's sidecar", sidecarAgrees(host)),
			suite.Holds("the gateway counted them on their way to the database", counted),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", name, "documents"),
			suite.Replace("Gateway", name, "documents", []any{"other.mongo.example.com"}, "spec", "servers", "0", "hosts"),
			suite.Meddle("each of its connections is a line of the gateway", "another driver reads too", "access-log lines", onceMore(host, &seen)),
			suite.Meddle("and, over mutual TLS, one of the database's sidecar", "the gateway asks in the clear", "log SNI", inTheClear(name, host)),
		},
	}
}

// carried picks the lines of connections to a host that brought the driver something. One
// that never came through, while the configuration was on its way, is not meant.
func carried(host string) expect.LineCheck {
	return expect.Line(expect.SNIIs(host), expect.BytesBothWays())
}

// sidecarAgrees looks for the other end of every line of the gateway: the port from which
// the gateway went on is the one from which the sidecar was reached.
func sidecarAgrees(host string) func(context.Context, *suite.Env) error {
	return func(ctx context.Context, e *suite.Env) error {
		lines, err := e.Through(gateway).Lines(ctx)
		if err != nil {
			return err
		}
		inbound, err := e.Sidecar("bookinfo", "mongodb").Lines(ctx)
		if err != nil {
			return err
		}
		for _, l := range expect.Those(lines, carried(host)) {
			err := expect.ExactlyOne(inbound, expect.ContinuationOf(l), expect.ClusterIs("inbound|27017||"), expect.BytesBothWays(),
				expect.SNIIs("outbound_.27017_._."+strings.TrimPrefix(inMesh(e), "outbound|27017||")))
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// briefly asks for no longer than what must stay true is watched: an answer is not
// expected.
func briefly(ask func(*suite.Env) probe.Request) func(*suite.Env) probe.Request {
	return func(e *suite.Env) probe.Request {
		r := ask(e)
		r.Timeout = e.Budget.Settled
		return r
	}
}

// twoGatewaysApart stops a gateway that the others use: it is alone.
func twoGatewaysApart() suite.Feature {
	const name, host, shop = "two-gateways-apart", "apart.mongo.example.com", "page.mongo.example.com"
	const products = "https://" + shop + "/api/v1/products" // for which bookinfo needs no database
	database := suite.AskLate(read(host), expect.Documents(ratingsdb.OneStarEach)).Through(gateway)
	away := suite.AskLate(briefly(read(host)), expect.FailedWith(probe.ClassRefused, probe.ClassUnreachable, probe.ClassTimeout, probe.ClassReset, probe.ClassClosed)).Through(gateway)
	return suite.Feature{
		Name:    "TwoGatewaysApart",
		Promise: "Neither gateway carries the other's traffic, and one serves when the other is gone.",
		Spec:    spec,
		Alone:   true,
		Needs:   []mesh.Capability{mesh.OwnGateways, mesh.AccessLog},
		Given: []suite.Given{credential(name, host), pageCredential(name, shop),
			suite.Apply("mongo-ingress/two-gateways-apart/*.yaml")},
		Then: []suite.Step{
			suite.Eventually("each gateway serves what it is for", page(products), database),
			suite.Becomes("the page is in the shared gateway's log alone", onlyHTTP),
			suite.Becomes("the database is in its own gateway's log alone", onlyMongo(host)),
			suite.Do("the database's gateway is stopped", func(ctx context.Context, e *suite.Env) error { return e.StopGateway(ctx, gateway) }),
			suite.Eventually("the database is out of reach", away),
			suite.Now("the page is served", page(products)),
			suite.Do("the database's gateway is started again", func(ctx context.Context, e *suite.Env) error { return e.StartGateway(ctx, gateway) }),
			suite.Eventually("the database is back", database),
			suite.Do("the page's Gateway is withdrawn", func(ctx context.Context, e *suite.Env) error {
				return e.Withdraw(ctx, "Gateway", name+"-page")
			}),
			suite.Eventually("the page is out of reach",
				suite.Ask(probe.GET(products), expect.FailedWith(probe.ClassClosed, probe.ClassReset, probe.ClassTLSAlert, probe.ClassRefused))),
			suite.Now("the database is served", database),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", name, "documents"),
			suite.Withhold("VirtualService", name+"-page", "status"),
			suite.Meddle("the page is in the shared gateway's log alone", "the page's route leads to the database", "access-log lines", misled(name+"-page", products)),
			suite.Meddle("the database is in its own gateway's log alone", "the database's gateway takes HTTP", "access-log lines", takesHTTP(name, shop)),
			suite.Meddle("the database is out of reach", "its gateway comes back by itself", "failure", back(host)),
			suite.Meddle("the page is served", "without the page's route while the other gateway is away", "status",
				without("VirtualService", name+"-page", shows(products, expect.Status(200)))),
			suite.Meddle("the database's gateway is started again", "without the database's route from then on", "documents",
				suite.Withdrawn("VirtualService", name)).At("the database is back"),
			suite.Besides("a second Gateway for the page", "failure", pageAgain(name)).At("the page is out of reach"),
			suite.Meddle("the database is served", "without the database's route at last", "documents", without("VirtualService", name, reads(read(host)))),
		},
	}
}

// onlyHTTP: no connection to the database's ports or for its cluster.
func onlyHTTP(ctx context.Context, e *suite.Env) error {
	lines, err := e.Through("").Lines(ctx)
	if err != nil {
		return err
	}
	return expect.NoneOf(lines, expect.ClusterIs(inMesh(e)))
}

// onlyMongo: the gateway's log has the database's connections, and none that is HTTP.
func onlyMongo(host string) func(context.Context, *suite.Env) error {
	return func(ctx context.Context, e *suite.Env) error {
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

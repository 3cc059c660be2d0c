package tlsorigination

import (
	"context"
	"fmt"
	"net"

	"meshgate/framework/accesslog"
	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

func mongoOriginated(x *external) suite.Feature {
	const page, name = "page.origination.example.com", "origination-page"
	const (
		reads   = "a driver in the mesh reads the database without TLS of its own"
		refused = "the database refuses a client without TLS"
		logged  = "the sidecar sent each connection to the gateway, and the gateway sent it to the database's TLS port"
		star    = "Reviewer 1 has one red star"
	)
	return suite.Feature{
		Name:    "MongoOriginated",
		Promise: "Applications that speak to MongoDB in the clear read a database that speaks nothing but TLS.",
		Spec:    spec,
		Setup:   []suite.Setup{suite.Credential(name, pki.Leaf{DNSNames: []string{page}}), suite.Fixtures("tls-origination/page/*.yaml"), x.databaseRouted},
		Steps: []suite.Step{
			// The driver's connections are new ones; those of the page may be older than the configuration.
			suite.Eventually(reads, read(27017, expect.Documents(ratingsdb.OneStarEach), expect.ClearOnTheWire(), expect.AtTheFirstTry()).From("bookinfo", "agent").As("driver")),
			suite.Now(refused, read(27018, expect.Severed()).From("bookinfo", "outsider")),
			suite.Eventually(logged, suite.That(x.followConnections, expect.LineFields(append(ofSidecar("", ""), x.ofGateway(accesslog.Line{})...)...)...)),
			suite.Eventually(star, suite.Ask(probe.GET("https://"+page+"/productpage"),
				expect.Status(200), expect.Stars("Reviewer1", 1), expect.StarColor("Reviewer1", "red"))),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("DestinationRule", "origination-mongodb", expect.FieldDocuments, "DISABLE", "spec", "subsets", "0", "trafficPolicy", "tls", "mode"),
			suite.Replace("DestinationRule", "origination-mongodb", expect.FieldDocuments, []any{"other.example.com"}, "spec", "subsets", "0", "trafficPolicy", "tls", "subjectAltNames"),
			suite.Withhold("VirtualService", "mongodb", expect.FieldDocuments),
			suite.Withhold("VirtualService", name, expect.FieldStatus).At(star),
			suite.AddObject("with a database that is shut to all but gateways", expect.FieldFailure, suite.Fixtures("tls-origination/sabotage/database-shut.yaml")).At(refused),
			bySubset(reads, "by another subset", "mongodb", "tcp", mongoPort).At(logged),
		},
	}
}

// read reads the ratings without TLS, at a port of the database.
func read(port int, checks ...expect.Check) suite.Exchange {
	return suite.Ask(probe.Request{Kind: probe.KindMongoDB, URL: ratings("mongodb", 27017)}, checks...).
		At(suite.Server{Namespace: "database", Service: "mongodb"}, port).LogIn(reader, ratingsdb.Database)
}

// databaseRouted routes what applications send to the database's address to the gateway, and
// from there to the database over TLS.
func (x *external) databaseRouted(e suite.Env) (manifest.Set, error) {
	edits := append(suite.ExternalAddress("mongodb", x.database), suite.ExternalAddress("origination-mongodb", x.database)...)
	edits = append(edits, manifest.SetField("VirtualService", "mongodb", []any{x.database + "/32"}, "spec", "tcp", "0", "match", "0", "destinationSubnets"))
	return toGateway(suite.Edited(suite.Fixtures("tls-origination/mongo/*.yaml"), edits...), "mongodb", "tcp")(e)
}

// followConnections follows each connection of the driver: the address from which the
// sidecar went on is the one from which the gateway was reached.
func (x *external) followConnections(ctx context.Context, e suite.Env) error {
	driver, err := e.Exchanged("driver")
	if err != nil {
		return err
	}
	sent, err := sidecar()(e).Lines(ctx)
	if err != nil {
		return err
	}
	received, err := egress()(e).Lines(ctx)
	if err != nil {
		return err
	}
	for _, local := range driver.Connections {
		checks := ofSidecar(local, e.Gateway(gateway).Service())
		if err := expect.ExactlyOne(sent, checks...); err != nil {
			return err
		}
		if err := expect.ExactlyOne(received, x.ofGateway(expect.Those(sent, checks[0])[0])...); err != nil {
			return err
		}
	}
	return nil
}

// ofSidecar is what the sidecar's line of a connection must say; the first check tells which
// connection is meant.
func ofSidecar(local, service string) []expect.LineCheck {
	return []expect.LineCheck{expect.Line(expect.DownstreamRemoteIs(local), expect.DownstreamPortIs(27017)),
		expect.ClusterIs(fmt.Sprintf("outbound|%d|mongodb|%s", mongoPort, service)), expect.FlagsAre("-")}
}

// ofGateway is what the gateway's line must say of the connection that the sidecar's line is
// about.
func (x *external) ofGateway(sent accesslog.Line) []expect.LineCheck {
	return []expect.LineCheck{expect.ContinuationOf(sent), expect.ClusterIs("outbound|27018|mongodb-tls|" + mongoHost),
		expect.UpstreamHostIs(net.JoinHostPort(x.database, "27018")), expect.SNIIs(mongoHost), expect.BytesBothWays(), expect.FlagsAre("-")}
}

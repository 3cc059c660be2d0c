package tlsorigination

import (
	"context"
	"fmt"
	"net"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

const (
	mongoHost = "mongo.origination.example.com"

	root   = "mongodb-root"      // the secret of the administrator
	reader = "mongo-credentials" // and of the user that may read

	page = "page.origination.example.com"
)

// database is a MongoDB outside of the mesh that speaks TLS and nothing else, and of which
// no proxy knows.
func database(e *suite.Env) (manifest.Set, error) {
	return all(e,
		suite.Password("database", root, "meshgate"),
		suite.Password("bookinfo", reader, "bookinfo"),
		suite.TrustedCA("database", "mongo-ca"),
		suite.ServerPEM("database", "mongodb-server", "mongodb.pem", named(mongoHost)),
		suite.Apply("database/*.yaml", "tls-origination/database/*.yaml"))
}

// bookinfo has ratings that read the database in the clear.
func bookinfo(e *suite.Env) (manifest.Set, error) {
	set := func(at string, value string) manifest.Edit {
		return manifest.SetField("Deployment", "ratings-v2", value, "spec", "template", "spec", "containers", "0", "env", at, "value")
	}
	return all(e,
		suite.TrustedCA("bookinfo", "mongo-ca"),
		suite.Apply("bookinfo/productpage.yaml", "bookinfo/reviews.yaml", "bookinfo/reviews-v3.yaml", "bookinfo/ratings.yaml", "mongodb/versions.yaml"),
		suite.Edited(suite.Apply("bookinfo/ratings-v2.yaml"),
			set("0", "mongodb://"+mongoHost+":27017/test?directConnection=true&maxIdleTimeMS=1000"),
			set("4", "")))
}

// all joins what is given.
func all(e *suite.Env, givens ...suite.Given) (manifest.Set, error) {
	var joined []manifest.Set
	for _, g := range givens {
		s, err := g(e)
		if err != nil {
			return manifest.Set{}, err
		}
		joined = append(joined, s)
	}
	return manifest.Join(joined...)
}

// fill makes the database what the story tells.
func fill(ctx context.Context, e *suite.Env) error {
	r := probe.Request{Kind: probe.KindMongoDB, Mongo: e.Login(root).At("admin"),
		URL: fmt.Sprintf("mongodb+tls://%s:27018/%s/%s", mongoHost, ratingsdb.Database, ratingsdb.Collection)}
	return e.SetUpMongo(ctx, "database", "mongodb", 27018, r, func(m *probe.Mongo) error {
		return ratingsdb.Prepare(ctx, m.Database(), ratingsdb.Reader(e.Login(reader)))
	})
}

// wayToMongo leads to where the database is.
func (w *outside) wayToMongo(e *suite.Env) (manifest.Set, error) {
	ip := w.database
	at := func(entry string) []manifest.Edit { return suite.ExternalAddress(entry, ip) }
	edits := append(at("mongodb"), at("origination-mongodb")...)
	edits = append(edits, manifest.SetField("VirtualService", "mongodb", []any{ip + "/32"}, "spec", "tcp", "0", "match", "0", "destinationSubnets"))
	return toGateway(suite.Edited(suite.Apply("tls-origination/mongo/*.yaml"), edits...), "mongodb", "tcp")(e)
}

// inTheClear reads the ratings without TLS.
func (w *outside) inTheClear(e *suite.Env) probe.Request {
	return probe.Request{Kind: probe.KindMongoDB, Mongo: e.Login(reader).At(ratingsdb.Database), Connect: net.JoinHostPort(w.database, "27017"),
		URL: fmt.Sprintf("mongodb://%s:27017/%s/%s", mongoHost, ratingsdb.Database, ratingsdb.Collection)}
}

func mongoOriginated(w *outside) suite.Feature {
	const star = "Reviewer 1 has one red star"
	var seen probe.Observation
	read := suite.Becomes("a driver in the mesh reads the database, and speaks in the clear", func(ctx context.Context, e *suite.Env) error {
		seen = e.AskFrom(ctx, "bookinfo", "agent", w.inTheClear(e))
		return expect.All(expect.Documents(ratingsdb.OneStarEach), expect.ClearOnTheWire(), expect.AtTheFirstTry())(seen)
	})
	refused := suite.Now("which the database itself does not take", suite.AskLate(func(e *suite.Env) probe.Request {
		r := w.inTheClear(e)
		r.Connect = net.JoinHostPort(w.database, "27018")
		return r
	}, expect.Severed()).From("bookinfo", "outsider"))
	logged := suite.Becomes("the sidecar sent each connection to the gateway, and that to the database's TLS port", func(ctx context.Context, e *suite.Env) error {
		return w.eachHop(ctx, e, seen)
	})
	return suite.Feature{
		Name:    "MongoOriginated",
		Promise: "Applications that speak to MongoDB in the clear read a database that speaks nothing but TLS.",
		Spec:    spec,
		Given: []suite.Given{
			suite.Credential("origination-page", pki.Leaf{DNSNames: []string{page}}),
			suite.Apply("tls-origination/page/*.yaml"),
			w.wayToMongo,
		},
		Then: []suite.Step{
			read, // by connections of its own; those of the page may be older than the configuration
			refused,
			logged,
			suite.Eventually(star, suite.Ask(probe.GET("https://"+page+"/productpage"),
				expect.Status(200), expect.Stars("Reviewer1", 1), expect.StarColor("Reviewer1", "red"))),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("DestinationRule", "origination-mongodb", "documents", "DISABLE", "spec", "subsets", "0", "trafficPolicy", "tls", "mode"),
			suite.Replace("DestinationRule", "origination-mongodb", "documents", []any{"other.example.com"}, "spec", "subsets", "0", "trafficPolicy", "tls", "subjectAltNames"),
			suite.Withhold("VirtualService", "mongodb", "documents"),
			suite.Withhold("VirtualService", "origination-page", "status").At(star),
			suite.Besides("with a database that is shut to all but gateways", "failure", suite.Apply("tls-origination/sabotage/database-shut.yaml")).At(refused.Name),
			renamed(read.Name, "by another subset", mongoWay).At(logged.Name),
		},
	}
}

// eachHop follows the connections of one client: the port from which the sidecar went on
// is the one from which the gateway was reached.
func (w *outside) eachHop(ctx context.Context, e *suite.Env, seen probe.Observation) error {
	lines, err := sidecar(e).Lines(ctx)
	if err != nil {
		return err
	}
	beyond, err := atGateway(e).Lines(ctx)
	if err != nil {
		return err
	}
	for _, local := range seen.Connections {
		mine := expect.Line(expect.DownstreamRemoteIs(local), expect.DownstreamPortIs(27017))
		if err := expect.ExactlyOne(lines, mine, expect.ClusterIs(fmt.Sprintf("outbound|%d|mongodb|%s", mongoPort, e.Gateway(gateway).Service())), expect.FlagsAre("-")); err != nil {
			return err
		}
		sent := expect.Those(lines, mine)[0]
		if err := expect.ExactlyOne(beyond, expect.ContinuationOf(sent), expect.ClusterIs("outbound|27018|mongodb-tls|"+mongoHost),
			expect.UpstreamHostIs(net.JoinHostPort(w.database, "27018")), expect.SNIIs(mongoHost), expect.BytesBothWays(), expect.FlagsAre("-")); err != nil {
			return err
		}
	}
	return nil
}

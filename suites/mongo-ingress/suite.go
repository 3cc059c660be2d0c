// Package mongoingress asserts what users of a MongoDB behind an ingress gateway of its
// own rely on.
package mongoingress

import (
	"context"
	"fmt"

	"meshgate/fixtures"
	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

const (
	spec = "docs/spec/mongo-ingress.md"

	gateway   = "mongo-ingressgateway"
	tlsPort   = 27018
	clearPort = 27017

	root   = "mongodb-root"      // the secret of the administrator
	reader = "mongo-credentials" // and of the user that may read
)

// Suite is the user story of docs/spec/mongo-ingress.md: a database in the mesh, a gateway
// for it alone, and ratings-v2 that reaches it from outside.
func Suite() suite.Suite {
	return suite.Suite{
		Name:       "mongo-ingress",
		Promise:    "A MongoDB in the mesh is reached through a gateway of its own, over TLS that the client verifies, and by no other way.",
		Needs:      []mesh.Capability{mesh.LoadBalancer, mesh.TCPRouting},
		Namespaces: []string{"bookinfo"},
		Gateways:   []mesh.GatewaySpec{{Name: gateway, Ports: []int{clearPort, tlsPort}}},
		Setup: []suite.Setup{
			suite.Password("bookinfo", root, "meshgate"),
			suite.Password("bookinfo", reader, "bookinfo"),
			suite.TrustedCA("bookinfo", "mongo-ca"),
			database,
			suite.Fixtures("bookinfo/productpage.yaml", "bookinfo/reviews.yaml", "bookinfo/reviews-v3.yaml",
				"bookinfo/ratings.yaml", "bookinfo/ratings-v2.yaml", "mongodb/versions.yaml"),
		},
		Prepare: prepare,
		Features: []suite.Feature{
			tlsFromOutside(),
			wrongTrustRefused(),
			plainPort(),
			ratingsFromMongo(),
			twoGatewaysApart(),
			certificateRotation(),
			mongoAccessLog(),
			connectionLoss(),
		},
	}
}

// database keeps its data on a volume. Where the cluster gives none it keeps them as long
// as its pod lives, which is enough for all but ConnectionLoss.
func database(e suite.Env) (manifest.Set, error) {
	set, err := manifest.Load(fixtures.FS, "mongodb/mongodb.yaml")
	if err != nil || e.Mesh().Has(mesh.PersistentVolume) == nil {
		return set, err
	}
	if set, err = set.Without("PersistentVolumeClaim", "mongodb"); err != nil {
		return set, err
	}
	return set.With(manifest.SetField("Deployment", "mongodb-v1", []any{map[string]any{"name": "data", "emptyDir": map[string]any{}}}, "spec", "template", "spec", "volumes"))
}

func prepare(ctx context.Context, e suite.Env) error {
	r := probe.Request{Kind: probe.KindMongoDB, URL: "mongodb://mongodb:27017/" + ratingsdb.Database, Mongo: e.Login(root).At("admin")}
	return e.SetUpMongo(ctx, "bookinfo", "mongodb", clearPort, r, func(m *probe.Mongo) error {
		return ratingsdb.Prepare(ctx, m.Database(), ratingsdb.Reader(e.Login(reader)))
	})
}

// read reads the ratings through the gateway over TLS.
func read(host string, checks ...expect.Check) suite.Exchange {
	return ask(address("mongodb+tls", host, tlsPort), checks...)
}

// readClear reads the ratings through the gateway without TLS.
func readClear(host string, port int, checks ...expect.Check) suite.Exchange {
	return ask(address("mongodb", host, port), checks...)
}

func ask(url string, checks ...expect.Check) suite.Exchange {
	return suite.Ask(probe.Request{Kind: probe.KindMongoDB, URL: url}, checks...).Through(gateway).LogIn(reader, ratingsdb.Database)
}

// oneStarEach wants the documents that the set-up wrote.
func oneStarEach() expect.Check { return expect.Documents(ratingsdb.OneStarEach) }

// briefly waits for the answer no longer than the window Settled: none is expected.
func briefly(x suite.Exchange) suite.Exchange {
	request := x.Request
	x.Late = func(e suite.Env) probe.Request {
		request.Timeout = e.Budget().Settled
		return request
	}
	return x
}

// asRoot is a request of the administrator, over TLS.
func asRoot(e suite.Env, host string) probe.Request {
	return probe.Request{Kind: probe.KindMongoDB, URL: address("mongodb+tls", host, tlsPort), Mongo: e.Login(root).At("admin")}
}

func address(scheme, host string, port int) string {
	return fmt.Sprintf("%s://%s:%d/%s/%s", scheme, host, port, ratingsdb.Database, ratingsdb.Collection)
}

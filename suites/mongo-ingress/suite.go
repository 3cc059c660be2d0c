// Package mongoingress asserts what users of a MongoDB behind an ingress gateway of its
// own rely on.
package mongoingress

import (
	"context"
	"fmt"

	"meshgate/fixtures"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

const (
	spec = "spec.md#suitesmongo-ingress"

	gateway   = "mongo-ingressgateway"
	tlsPort   = 27018
	clearPort = 27017

	root   = "mongodb-root"      // the secret of the administrator
	reader = "mongo-credentials" // and of the user that may read
)

// Suite is the story of seed 004, "Multiple Ingress Gateways with MongoDB": a database in
// the mesh, a gateway for it alone, and ratings-v2 that comes to it from outside.
func Suite() suite.Suite {
	return suite.Suite{
		Name:       "mongo-ingress",
		Promise:    "A MongoDB in the mesh is reached through a gateway of its own, over TLS that the client verifies, and by no other way.",
		Needs:      []mesh.Capability{mesh.LoadBalancer, mesh.TCPRouting},
		Namespaces: []string{"bookinfo"},
		Gateways:   []mesh.GatewaySpec{{Name: gateway, Ports: []int{clearPort, tlsPort}}},
		Given: []suite.Given{
			suite.Password("bookinfo", root, "meshgate"),
			suite.Password("bookinfo", reader, "bookinfo"),
			suite.TrustedCA("bookinfo", "mongo-ca"),
			database,
			suite.Apply("bookinfo/productpage.yaml", "bookinfo/reviews.yaml", "bookinfo/reviews-v3.yaml",
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
func database(e *suite.Env) (manifest.Set, error) {
	set, err := manifest.Load(fixtures.FS, "mongodb/mongodb.yaml")
	if err != nil || e.Mesh.Has(mesh.PersistentVolume) == nil {
		return set, err
	}
	if set, err = set.Without("PersistentVolumeClaim", "mongodb"); err != nil {
		return set, err
	}
	return set.With(manifest.SetField("Deployment", "mongodb-v1", []any{map[string]any{"name": "data", "emptyDir": map[string]any{}}}, "spec", "template", "spec", "volumes"))
}

func prepare(ctx context.Context, e *suite.Env) error {
	r := probe.Request{Kind: probe.KindMongoDB, URL: "mongodb://mongodb:27017/" + ratingsdb.Database, Mongo: e.Login(root).At("admin")}
	return e.SetUpMongo(ctx, "bookinfo", "mongodb", clearPort, r, func(m *probe.Mongo) error {
		return ratingsdb.Prepare(ctx, m.Database(), ratingsdb.Reader(e.Login(reader)))
	})
}

// read is the reader's look at the ratings, over TLS.
func read(host string) func(*suite.Env) probe.Request {
	return func(e *suite.Env) probe.Request {
		return probe.Request{Kind: probe.KindMongoDB, URL: address("mongodb+tls", host, tlsPort), Mongo: e.Login(reader).At(ratingsdb.Database)}
	}
}

// readClear is the same without TLS.
func readClear(host string, port int) func(*suite.Env) probe.Request {
	return func(e *suite.Env) probe.Request {
		return probe.Request{Kind: probe.KindMongoDB, URL: address("mongodb", host, port), Mongo: e.Login(reader).At(ratingsdb.Database)}
	}
}

// asRoot is the administrator's way to the database, over TLS.
func asRoot(e *suite.Env, host string) probe.Request {
	return probe.Request{Kind: probe.KindMongoDB, URL: address("mongodb+tls", host, tlsPort), Mongo: e.Login(root).At("admin")}
}

func address(scheme, host string, port int) string {
	return fmt.Sprintf("%s://%s:%d/%s/%s", scheme, host, port, ratingsdb.Database, ratingsdb.Collection)
}

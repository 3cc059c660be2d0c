// Package mongoegress asserts what users of an external MongoDB rely on who send its
// traffic through an egress gateway.
package mongoegress

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

const (
	spec = "docs/spec/mongo-egress.md"

	host        = "mongo.example.com" // the database's name, in its certificate and in the mesh
	port        = 27018
	gateway     = "mongo-egressgateway"
	gatewayPort = 15666

	root   = "mongodb-root"      // the secret of the administrator
	reader = "mongo-credentials" // and of the user that may read
)

// Suite is the story of docs/spec/mongo-egress.md. Its database is outside of the mesh, with a load balancer of its own: what
// is wrong with an ingress gateway does not show here. The features change the one way
// to it, so each is alone.
func Suite() suite.Suite {
	at := new(string) // the database's address
	s := suite.Suite{
		Name:       "mongo-egress",
		Promise:    "An external MongoDB is reached through the egress gateway, and by no way around it.",
		Needs:      []mesh.Capability{mesh.LoadBalancer, mesh.TCPRouting, mesh.RegistryOnly},
		Namespaces: []string{"bookinfo"},
		Outside:    []string{"database"},
		Gateways:   []mesh.GatewaySpec{{Name: gateway, Egress: true, Ports: []int{gatewayPort}}},
		Setup: []suite.Setup{
			suite.Password("database", root, "meshgate"),
			suite.Password("bookinfo", reader, "bookinfo"),
			suite.TrustedCA("database", "mongo-ca"),
			suite.TrustedCA("bookinfo", "mongo-ca"),
			suite.ServerPEM("database", "mongodb-server", "mongodb.pem", pki.Leaf{DNSNames: []string{host}}),
			suite.Fixtures("database/*.yaml", "mongo-egress/database/*.yaml", "outsider/*.yaml", "agent/*.yaml", "mongodb/versions.yaml",
				"bookinfo/productpage.yaml", "bookinfo/reviews.yaml", "bookinfo/reviews-v3.yaml", "bookinfo/ratings.yaml", "bookinfo/ratings-v2.yaml"),
		},
		Prepare: func(ctx context.Context, e suite.Env) error { return prepare(ctx, e, at) },
		Features: []suite.Feature{
			throughEgressGateway(at),
			egressAccessLog(at),
			noWayAround(at),
			addressChange(at),
			gatewayDown(at),
		},
	}
	for i := range s.Features {
		s.Features[i].Alone = true
	}
	return s
}

// prepare fills the database, and waits for the address of its load balancer: without one
// nothing could be asked.
func prepare(ctx context.Context, e suite.Env, at *string) error {
	err := e.SetUpMongo(ctx, "database", "mongodb", port, request(e.Login(root).At("admin")), func(m *probe.Mongo) error {
		return ratingsdb.Prepare(ctx, m.Database(), ratingsdb.Reader(e.Login(reader)))
	})
	if err != nil {
		return err
	}
	*at, err = address(ctx, e)
	return err
}

func request(login probe.MongoOptions) probe.Request {
	return probe.Request{Kind: probe.KindMongoDB, Mongo: login,
		URL: fmt.Sprintf("mongodb+tls://%s:%d/%s/%s", host, port, ratingsdb.Database, ratingsdb.Collection)}
}

// read reads the ratings at an address of the database, from the agent, wherever its
// packets go from there.
func read(at *string, checks ...expect.Check) suite.Exchange {
	return suite.AskLate(func(e suite.Env) probe.Request {
		r := request(e.Login(reader).At(ratingsdb.Database))
		r.Connect = net.JoinHostPort(*at, strconv.Itoa(port))
		return r
	}, checks...).From("bookinfo", "agent")
}

// fromOutsider asks from the pod without a sidecar instead.
func fromOutsider(x suite.Exchange) suite.Exchange { return x.From("bookinfo", "outsider") }

// inClear asks without TLS instead.
func inClear(x suite.Exchange) suite.Exchange {
	return changed(x, func(_ suite.Env, r *probe.Request) { r.URL = strings.Replace(r.URL, "mongodb+tls://", "mongodb://", 1) })
}

// briefly waits for the answer no longer than the window Settled: none is expected.
func briefly(x suite.Exchange) suite.Exchange {
	return changed(x, func(e suite.Env, r *probe.Request) { r.Timeout = e.Budget().Settled })
}

func changed(x suite.Exchange, change func(suite.Env, *probe.Request)) suite.Exchange {
	late := x.Late
	x.Late = func(e suite.Env) probe.Request {
		r := late(e)
		change(e, &r)
		return r
	}
	return x
}

// oneStarEach wants the documents that the set-up wrote.
func oneStarEach() expect.Check { return expect.Documents(ratingsdb.OneStarEach) }

// sidecar is the proxy of the agent.
func sidecar() suite.ProxyOf { return suite.Sidecar("bookinfo", "agent") }

// address is the IP address at which the database's load balancer answers. One that has
// only a name is asked for by it: destinationSubnets know no names.
func address(ctx context.Context, e suite.Env) (string, error) {
	given, err := e.LoadBalancer(ctx, "database", "mongodb")
	if err != nil || net.ParseIP(given) != nil {
		return given, err
	}
	all, err := net.DefaultResolver.LookupIP(ctx, "ip4", given)
	if err != nil {
		return "", suite.Infrastructure(fmt.Errorf("address of the database's load balancer: %w", err))
	}
	return all[0].String(), nil
}

// Package tlsorigination asserts what users of an egress gateway rely on who let it speak
// TLS for applications that speak none.
package tlsorigination

import (
	"context"
	"fmt"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

const (
	spec = "docs/spec/tls-origination.md"

	gateway   = "tls-egressgateway"
	mongoPort = 15666            // of the gateway, for databases
	mounted   = "origination-ca" // the secret with the run's CA, which the gateway mounts as a file

	root   = "mongodb-root"      // the secret of the database's administrator
	reader = "mongo-credentials" // and of the user that may read
)

// The external hosts. Each feature has its own.
const (
	secure     = "secure.example.com"
	untrusted  = ".untrusted.example.com" // the domain of many
	mutual     = "mutual.example.com"
	wrongCert  = "wrongcert.mutual.example.com"
	noCert     = "nocert.mutual.example.com"
	rotated    = "rotated.example.com"
	missing    = "missing.origination.example.com"
	unaffected = "unaffected.example.com"
	guarded    = "guarded.example.com"
	mongoHost  = "mongo.origination.example.com"
)

// Suite is the user story of docs/spec/tls-origination.md, for HTTP and for MongoDB. One
// external server is all of the HTTP hosts: it presents the certificate of the name that the
// client asks for by SNI.
func Suite() suite.Suite {
	x := &external{}
	return suite.Suite{
		Name:       "tls-origination",
		Promise:    "The egress gateway speaks TLS for applications that speak none, to the host that is meant and to no other.",
		Needs:      []mesh.Capability{mesh.TCPRouting, mesh.RegistryOnly, mesh.AccessLog},
		Namespaces: []string{"bookinfo"},
		Outside:    []string{"world", "database"},
		Gateways:   []mesh.GatewaySpec{{Name: gateway, Egress: true, Ports: []int{80, mongoPort}, Secrets: []string{mounted}}},
		Setup: []suite.Setup{
			x.certificates,
			suite.CACredential(gateway, mounted, runCA),
			suite.Password("database", root, "meshgate"),
			suite.Password("bookinfo", reader, "bookinfo"),
			suite.TrustedCA("database", "mongo-ca"),
			suite.TrustedCA("bookinfo", "mongo-ca"),
			suite.ServerPEM("database", "mongodb-server", "mongodb.pem", leafOf(mongoHost)),
			suite.Fixtures("world/*.yaml", "agent/*.yaml", "outsider/*.yaml", "database/*.yaml", "tls-origination/database/*.yaml",
				"bookinfo/productpage.yaml", "bookinfo/reviews.yaml", "bookinfo/reviews-v3.yaml", "bookinfo/ratings.yaml", "mongodb/versions.yaml"),
			ratingsWithoutTLS(),
		},
		Prepare: x.prepare,
		Features: []suite.Feature{
			httpOriginated(x),
			mongoOriginated(x),
			untrustedCARefused(x),
			mutualTLS(x),
			caRotation(x),
			missingSecret(),
			noBypass(),
		},
	}
}

// external is what the run alone knows of the servers outside of the mesh.
type external struct {
	otherCA  *pki.CA // signs certificates that the gateway does not trust at first
	world    string  // the address of the HTTP hosts
	database string  // the address of the database
}

// certificates are those of the HTTP hosts, good ones and bad ones.
func (x *external) certificates(e suite.Env) (manifest.Set, error) {
	var err error
	if x.otherCA, err = pki.NewCA("another authority"); err != nil {
		return manifest.Set{}, err
	}
	hosts := map[string]suite.Served{afterRotation: {Leaf: leafOf(rotated), By: x.otherCA}}
	for _, host := range []string{secure, rotated, missing, unaffected, guarded, goodHost, otherBundle, emptyBundle} {
		hosts[host] = suite.Served{Leaf: leafOf(host)}
	}
	for _, host := range []string{mutual, wrongCert, noCert} {
		hosts[host] = suite.Served{Leaf: leafOf(host), ClientCA: e.CA()}
	}
	for _, d := range wrongCertificates() {
		hosts[d.host()] = suite.Served{Leaf: d.leaf}
	}
	hosts[foreignHost] = suite.Served{Leaf: leafOf(foreignHost), By: x.otherCA}
	return suite.Servers("world", "world", hosts)(e)
}

func leafOf(host string) pki.Leaf { return pki.Leaf{DNSNames: []string{host}} }

func runCA(e suite.Env) string { return e.CA().PEM() }

func (x *external) other(suite.Env) string { return x.otherCA.PEM() }

// prepare waits for the servers, fills the database, and restarts the gateway: the kubelet
// takes up to a minute to update a secret that a running pod mounts.
func (x *external) prepare(ctx context.Context, e suite.Env) (err error) {
	if x.world, err = e.External(ctx, "world", "world"); err != nil {
		return err
	}
	if x.database, err = e.ClusterIP(ctx, "database", "mongodb"); err != nil {
		return err
	}
	if err := fill(ctx, e); err != nil || e.Mesh().Has(mesh.OwnGateways) != nil {
		return err
	}
	if err := e.StopGateway(ctx, gateway); err != nil {
		return err
	}
	return e.StartGateway(ctx, gateway)
}

// fill writes the ratings and makes the user that may read them.
func fill(ctx context.Context, e suite.Env) error {
	r := probe.Request{Kind: probe.KindMongoDB, Mongo: e.Login(root).At("admin"), URL: ratings("mongodb+tls", 27018)}
	return e.SetUpMongo(ctx, "database", "mongodb", 27018, r, func(m *probe.Mongo) error {
		return ratingsdb.Prepare(ctx, m.Database(), ratingsdb.Reader(e.Login(reader)))
	})
}

// ratings is the URL of the ratings in the database.
func ratings(scheme string, port int) string {
	return fmt.Sprintf("%s://%s:%d/%s/%s", scheme, mongoHost, port, ratingsdb.Database, ratingsdb.Collection)
}

// ratingsWithoutTLS is bookinfo's application ratings, which reads the database and leaves
// TLS to the gateway.
func ratingsWithoutTLS() suite.Setup {
	set := func(at, value string) manifest.Edit {
		return manifest.SetField("Deployment", "ratings-v2", value, "spec", "template", "spec", "containers", "0", "env", at, "value")
	}
	return suite.Edited(suite.Fixtures("bookinfo/ratings-v2.yaml"),
		set("0", "mongodb://"+mongoHost+":27017/test?directConnection=true&maxIdleTimeMS=1000"),
		set("4", ""))
}

// world is the server outside of the mesh.
func world() suite.Server { return suite.Server{Namespace: "world", Service: "world"} }

// plain asks for a host without TLS, which it leaves to the gateway, from the agent.
func plain(host string, checks ...expect.Check) suite.Exchange {
	return suite.Ask(probe.GET("http://"+host+"/"), checks...).At(world(), 80).From("bookinfo", "agent")
}

// originated is plain, answered by the host itself, which the gateway asked over TLS. sni is
// the name that the gateway asked for.
func originated(host, sni string, checks ...expect.Check) suite.Exchange {
	return plain(host, append(checks, expect.Status(200), expect.EchoTLS("1.2", "1.3"), expect.EchoSNI(sni))...)
}

// sidecar is the proxy of the agent, and egress that of the gateway.
func sidecar() suite.ProxyOf { return suite.Sidecar("bookinfo", "agent") }
func egress() suite.ProxyOf  { return suite.GatewayProxy(gateway) }

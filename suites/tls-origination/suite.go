// Package tlsorigination asserts what users of an egress gateway rely on who let it speak
// TLS for applications that speak none.
package tlsorigination

import (
	"context"

	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/suite"
)

const (
	spec = "spec.md#suitestls-origination"

	gateway   = "tls-egressgateway"
	mongoPort = 15666            // of the gateway, for databases
	mounted   = "origination-ca" // the secret with the CA, which the gateway has as a file
)

// The external hosts. Each feature has its own.
const (
	secure    = "secure.example.com"
	untrusted = ".untrusted.example.com" // of many
	rotated   = "rotated.example.com"
	missing   = "missing.origination.example.com"
	beside    = "beside.example.com"
	guarded   = "guarded.example.com"
)

// Suite is the story of seed 004, "Originate TLS through an Egress Gateway with a trusted
// CA Certificate", for HTTP and for MongoDB. The external server is many hosts: it shows
// the certificate of the name that it is asked for by SNI.
func Suite() suite.Suite {
	w := &outside{}
	return suite.Suite{
		Name:       "tls-origination",
		Promise:    "The egress gateway speaks TLS for applications that speak none, to the host that is meant and to no other.",
		Needs:      []mesh.Capability{mesh.TCPRouting, mesh.RegistryOnly, mesh.AccessLog},
		Namespaces: []string{"bookinfo"},
		Outside:    []string{"world", "database"},
		Gateways:   []mesh.GatewaySpec{{Name: gateway, Egress: true, Ports: []int{80, mongoPort}, Secrets: []string{mounted}}},
		Given: []suite.Given{
			w.certificates,
			suite.CACredential(gateway, mounted, func(e *suite.Env) string { return e.CA.PEM() }),
			suite.Apply("world/*.yaml", "agent/*.yaml", "outsider/*.yaml"),
			database,
			bookinfo,
		},
		Prepare: w.prepare,
		Features: []suite.Feature{
			httpOriginated(w),
			mongoOriginated(w),
			untrustedCARefused(w),
			mutualTLS(w),
			caRotation(w),
			missingSecret(w),
			noBypass(w),
		},
	}
}

// outside is what the suite knows of the external servers.
type outside struct {
	other    *pki.CA // whom nobody trusts at first
	world    string  // address of the external hosts
	database string  // and of the external database
}

// certificates are those of the hosts, good ones and bad ones.
func (w *outside) certificates(e *suite.Env) (manifest.Set, error) {
	var err error
	if w.other, err = pki.NewCA("another authority"); err != nil {
		return manifest.Set{}, err
	}
	hosts := map[string]suite.Served{
		rotated:            {Leaf: named(rotated)},
		"after." + rotated: {Leaf: named(rotated), By: w.other},
	}
	for _, host := range []string{secure, missing, beside, guarded, "good" + untrusted, "emptyca" + untrusted} {
		hosts[host] = suite.Served{Leaf: named(host)}
	}
	for _, host := range []string{mutual, wrongCert, noCert} {
		hosts[host] = suite.Served{Leaf: named(host), ClientCA: e.CA}
	}
	for _, b := range distrusted() {
		hosts[b.host()] = b.shows(w)
	}
	return suite.Servers("world", "world", hosts)(e)
}

func named(host string) pki.Leaf { return pki.Leaf{DNSNames: []string{host}} }

// prepare makes sure of the servers, and that the gateway has the CA of this run.
func (w *outside) prepare(ctx context.Context, e *suite.Env) (err error) {
	if w.world, err = e.External(ctx, "world", "world"); err != nil {
		return err
	}
	if w.database, err = e.ClusterIP(ctx, "database", "mongodb"); err != nil {
		return err
	}
	if err := fill(ctx, e); err != nil {
		return err
	}
	if e.Mesh.Has(mesh.OwnGateways) != nil {
		return nil
	}
	// The kubelet takes a minute to tell running pods of a secret.
	if err := e.StopGateway(ctx, gateway); err != nil {
		return err
	}
	return e.StartGateway(ctx, gateway)
}

package mongoingress

import (
	"context"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

// credential is the certificate of a feature's host, in a secret called as the feature's
// folder.
func credential(feature, host string) suite.Given {
	return suite.CredentialOf(gateway, feature, pki.Leaf{DNSNames: []string{host}})
}

// tlsFromOutside: the original example switches the driver's verification off; ours is on.
func tlsFromOutside() suite.Feature {
	const host = "tls.mongo.example.com"
	return suite.Feature{
		Name:    "TLSFromOutside",
		Promise: "A driver outside of the mesh reads the database over TLS, and verifies the gateway's certificate.",
		Spec:    spec,
		Given:   []suite.Given{credential("tls-from-outside", host), suite.Apply("mongo-ingress/tls-from-outside/*.yaml")},
		Then: []suite.Step{
			suite.Eventually("the driver verifies, authenticates and reads what the set-up wrote",
				suite.AskLate(read(host), expect.Documents(ratingsdb.OneStarEach), expect.Verified()).Through(gateway).Presents("tls-from-outside")),
			suite.Now("with one connection to watch and one to ask, and nothing but TLS on the wire",
				suite.AskLate(read(host), expect.Documents(ratingsdb.OneStarEach), expect.AtTheFirstTry(), expect.EncryptedOnTheWire()).Through(gateway)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "tls-from-outside", "documents"),
			suite.Withhold("VirtualService", "tls-from-outside", "documents"),
			suite.Withhold("Secret", "tls-from-outside", "documents"),
			suite.Replace("VirtualService", "tls-from-outside", "documents", "nowhere", "spec", "tcp", "0", "route", "0", "destination", "host"),
			suite.Meddle("with one connection to watch and one to ask, and nothing but TLS on the wire", "without the route from then on", "documents",
				without("VirtualService", "tls-from-outside", reads(read(host)))),
		},
	}
}

// wrongTrustRefused: each refusal has its own cause, and the same client is let in when
// only that cause is taken away. Its port without TLS is PlainPort's too, and without TLS
// there is no name to tell two hosts apart: it is alone.
func wrongTrustRefused() suite.Feature {
	const name, host, alias = "wrong-trust-refused", "trust.mongo.example.com", "alias.mongo.example.com"
	change := func(edit func(*probe.Request)) func(*suite.Env) probe.Request {
		return func(e *suite.Env) probe.Request {
			r := read(host)(e)
			edit(&r)
			return r
		}
	}
	var stranger *pki.CA // signed nothing here
	strangely := change(func(r *probe.Request) { r.TLS.RootsPEM = stranger.PEM() })
	signed := suite.ClientCredential(gateway, name+"-stranger", pki.Leaf{DNSNames: []string{host}}, func(*suite.Env) *pki.CA { return stranger })
	tlsOnClear := change(func(r *probe.Request) { r.URL = address("mongodb+tls", host, clearPort) })
	return suite.Feature{
		Name:    "WrongTrustRefused",
		Promise: "Another CA, another name, the wrong kind of port and a wrong password are refused, each for its own reason.",
		Spec:    spec,
		Alone:   true,
		Given:   []suite.Given{credential(name, host), suite.Apply("mongo-ingress/wrong-trust-refused/*.yaml")},
		Then: []suite.Step{
			suite.Do("another CA is made", func(context.Context, *suite.Env) (err error) {
				stranger, err = pki.NewCA("somebody else")
				return err
			}),
			suite.Control("the same client reads with TLS on its port and without on the other",
				suite.AskLate(read(host), expect.Documents(ratingsdb.OneStarEach)).Through(gateway),
				suite.AskLate(readClear(host, clearPort), expect.Documents(ratingsdb.OneStarEach)).Through(gateway)),
			suite.Now("a client that trusts another CA does not trust the gateway",
				suite.AskLate(strangely, expect.ClientRefused(probe.VerifyUnknownAuthority)).Through(gateway)),
			suite.Now("a name that is not in the certificate is not trusted",
				suite.AskLate(read(alias), expect.ClientRefused(probe.VerifyName)).Through(gateway)),
			suite.Now("a client without TLS gets no word on the port with TLS",
				suite.AskLate(readClear(host, tlsPort), expect.Severed(), expect.FailedDuring(probe.PhaseResponse)).Through(gateway)),
			suite.Now("a client with TLS gets no handshake on the port without",
				suite.AskLate(tlsOnClear, expect.FailedWith(probe.ClassClosed, probe.ClassReset, probe.ClassTLSNotTLS), expect.FailedDuring(probe.PhaseTLS)).Through(gateway)),
			suite.Now("a wrong password passes the gateway and is refused by the database",
				suite.AskLate(change(func(r *probe.Request) { r.Mongo.Password += "x" }), expect.FailedWith(probe.ClassAuth), expect.Verified()).Through(gateway)),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("Gateway", name, "documents", []any{alias}, "spec", "servers", "0", "hosts"),
			suite.Withhold("VirtualService", name, "documents"),
			suite.Withhold("Secret", name, "documents"),
			suite.Meddle("a client that trusts another CA does not trust the gateway", "a certificate of that other CA", "failure",
				showing(name, name+"-stranger", signed, reads(strangely))),
			suite.Meddle("a name that is not in the certificate is not trusted", "a certificate with that name in it", "failure",
				showing(name, name+"-alias", suite.CredentialOf(gateway, name+"-alias", pki.Leaf{DNSNames: []string{host, alias}}), reads(read(alias)))),
			suite.Meddle("a client without TLS gets no word on the port with TLS", "no TLS on that port", "failure",
				edited("Gateway", name, server(tlsPort, "tls-"+name, "MONGO", "*", nil), reads(readClear(host, tlsPort)), "spec", "servers", "0")),
			suite.Meddle("a client with TLS gets no handshake on the port without", "TLS on that port", "failure",
				edited("Gateway", name, server(clearPort, "mongo-"+name, "TLS", host, simple(name)), reads(tlsOnClear), "spec", "servers", "1")),
			suite.Meddle("a wrong password passes the gateway and is refused by the database", "without the route from then on", "failure",
				without("VirtualService", name, reads(read(host)))),
		},
	}
}

// plainPort: what is configured without TLS is served without, and no longer than it is
// configured.
func plainPort() suite.Feature {
	const host = "plain.mongo.example.com"
	refused := suite.AskLate(briefly(readClear(host, clearPort)), expect.FailedWith(probe.ClassRefused, probe.ClassReset, probe.ClassClosed, probe.ClassTimeout)).Through(gateway)
	return suite.Feature{
		Name:    "PlainPort",
		Promise: "The port without TLS is served where it is configured, and refused where it is withdrawn.",
		Spec:    spec,
		Given:   []suite.Given{credential("plain-port", host), suite.Apply("mongo-ingress/plain-port/*.yaml")},
		Then: []suite.Step{
			suite.Eventually("the driver reads without TLS, and its messages can be read on the wire",
				suite.AskLate(readClear(host, clearPort), expect.Documents(ratingsdb.OneStarEach), expect.ClearOnTheWire()).Through(gateway)),
			suite.Eventually("beside the port with TLS",
				suite.AskLate(read(host), expect.Documents(ratingsdb.OneStarEach), expect.EncryptedOnTheWire()).Through(gateway)),
			suite.Do("the port without TLS is withdrawn", func(ctx context.Context, e *suite.Env) error {
				return e.Withdraw(ctx, "Gateway", "plain-port-clear")
			}),
			suite.Eventually("then it is refused",
				refused),
			suite.Stay("and stays refused", refused),
			suite.Now("while the port with TLS serves", suite.AskLate(read(host), expect.Documents(ratingsdb.OneStarEach)).Through(gateway)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "plain-port-clear", "documents"),
			suite.Withhold("VirtualService", "plain-port", "documents").At("beside the port with TLS"),
			suite.Replace("VirtualService", "plain-port-clear", "documents", 27019, "spec", "tcp", "0", "route", "0", "destination", "port", "number"),
			suite.Besides("a second Gateway for the port", "failure", plainAgain()).At("then it is refused"),
			suite.Meddle("and stays refused", "the port is served again", "failure", beside(plainAgain(), func(ctx context.Context, e *suite.Env) error {
				return suite.Until(reads(readClear(host, clearPort)))(ctx, e)
			})),
			suite.Meddle("while the port with TLS serves", "without its route from then on", "documents",
				without("VirtualService", "plain-port", reads(read(host)))),
		},
	}
}

// certificateRotation: a session that is open survives, a new one sees the new serial.
func certificateRotation() suite.Feature {
	const name, host = "mongo-certificate-rotation", "rotation.mongo.example.com"
	presents := suite.AskLate(read(host), expect.Documents(ratingsdb.OneStarEach)).Through(gateway).Presents(name)
	open := &cursor{}
	return suite.Feature{
		Name:    "CertificateRotation",
		Promise: "A replaced secret serves new sessions, and one that is reading goes on.",
		Spec:    spec,
		Given:   []suite.Given{credential(name, host), suite.Apply("mongo-ingress/certificate-rotation/*.yaml")},
		Then: []suite.Step{
			suite.Eventually("the certificate is presented", presents),
			suite.Do("a session opens a cursor", func(ctx context.Context, e *suite.Env) error { return open.begin(ctx, e, host) }),
			suite.Do("the secret's content is replaced", func(ctx context.Context, e *suite.Env) error {
				cert, err := e.Issue(name, pki.Leaf{DNSNames: []string{host}})
				if err != nil {
					return err
				}
				return e.Make(ctx, manifest.TLSSecret(e.Gateway(gateway).Namespace, name, cert.CertPEM, cert.KeyPEM))
			}),
			suite.Eventually("new sessions see the new serial", presents),
			suite.Holds("the open cursor gives the rest on its own connection", open.end),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("Gateway", name, "documents", "never-made", "spec", "servers", "0", "tls", "credentialName"),
			suite.Withhold("VirtualService", name, "documents"),
			suite.Meddle("new sessions see the new serial", "a certificate that was not asked for", "certificate serial",
				showing(name, name+"-other", credential(name+"-other", host), presented(host, name+"-other"))),
			suite.Meddle("the open cursor gives the rest on its own connection", "the session is cut", "open cursor", open.cut),
		},
	}
}

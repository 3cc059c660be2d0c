package mongoingress

import (
	"cmp"
	"context"

	"meshgate/framework/expect"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

// credential is the certificate of a feature's host, in a secret called as the feature's
// folder.
func credential(feature, host string) suite.Setup {
	return suite.CredentialOf(gateway, feature, pki.Leaf{DNSNames: []string{host}})
}

// tlsFromOutside: the original example switches the driver's verification off; ours is on.
func tlsFromOutside() suite.Feature {
	const host = "tls.mongo.example.com"
	return suite.Feature{
		Name:    "TLSFromOutside",
		Promise: "A driver outside of the mesh reads the database over TLS, and verifies the gateway's certificate.",
		Spec:    spec,
		Setup:   []suite.Setup{credential("tls-from-outside", host), suite.Fixtures("mongo-ingress/tls-from-outside/*.yaml")},
		Steps: []suite.Step{
			suite.Eventually("the driver verifies, authenticates and reads what the set-up wrote",
				read(host, oneStarEach(), expect.Verified()).Presents("tls-from-outside")),
			suite.Now("the driver needs one connection to watch and one to ask, with nothing but TLS on the wire",
				read(host, oneStarEach(), expect.AtTheFirstTry(), expect.EncryptedOnTheWire())),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "tls-from-outside", expect.FieldDocuments),
			suite.Withhold("VirtualService", "tls-from-outside", expect.FieldDocuments),
			suite.Withhold("Secret", "tls-from-outside", expect.FieldDocuments),
			suite.Replace("VirtualService", "tls-from-outside", expect.FieldDocuments, "nowhere", "spec", "tcp", "0", "route", "0", "destination", "host"),
			suite.BreakBefore("the driver needs one connection to watch and one to ask, with nothing but TLS on the wire", "without the route from then on", expect.FieldDocuments,
				without("VirtualService", "tls-from-outside", read(host, oneStarEach()))),
		},
	}
}

// wrongTrustRefused: each refusal has its own cause, and the same client is let in when
// only that cause is taken away. Its port without TLS is PlainPort's too, and without TLS
// there is no name to tell two hosts apart: it is alone.
func wrongTrustRefused() suite.Feature {
	const name, host, alias = "wrong-trust-refused", "trust.mongo.example.com", "alias.mongo.example.com"
	const (
		control     = "the same client reads with TLS on its port and without TLS on the other"
		otherCA     = "a client that trusts another CA does not trust the gateway"
		otherName   = "a name that is not in the certificate is not trusted"
		withoutTLS  = "a client without TLS gets no answer on the port with TLS"
		withTLS     = "a client with TLS gets no handshake on the port without TLS"
		badPassword = "a wrong password passes the gateway and is refused by the database"
	)
	var stranger *pki.CA // signed nothing here
	trusting := func(checks ...expect.Check) suite.Exchange {
		x := read(host, checks...)
		request := x.Request
		x.Late = func(suite.Env) probe.Request {
			request.TLS.RootsPEM = stranger.PEM()
			return request
		}
		return x
	}
	guessing := func(checks ...expect.Check) suite.Exchange {
		return suite.AskLate(func(e suite.Env) probe.Request {
			r := probe.Request{Kind: probe.KindMongoDB, URL: address("mongodb+tls", host, tlsPort), Mongo: e.Login(reader).At(ratingsdb.Database)}
			r.Mongo.Password += "x"
			return r
		}, checks...).Through(gateway)
	}
	signed := suite.ClientCredential(gateway, name+"-stranger", pki.Leaf{DNSNames: []string{host}}, func(e suite.Env) *pki.CA { return cmp.Or(stranger, e.CA()) })
	tlsOnClear := address("mongodb+tls", host, clearPort)
	return suite.Feature{
		Name:    "WrongTrustRefused",
		Promise: "Another CA, another name, the wrong kind of port and a wrong password are refused, each for its own reason.",
		Spec:    spec,
		Alone:   true,
		Setup:   []suite.Setup{credential(name, host), suite.Fixtures("mongo-ingress/wrong-trust-refused/*.yaml")},
		Steps: []suite.Step{
			suite.Do("another CA is made", suite.Func(func(context.Context, suite.Env) (err error) {
				stranger, err = pki.NewCA("somebody else")
				return err
			})),
			suite.Control(control, read(host, oneStarEach()), readClear(host, clearPort, oneStarEach())),
			suite.Now(otherCA, trusting(expect.ClientRefused(probe.VerifyUnknownAuthority))),
			suite.Now(otherName, read(alias, expect.ClientRefused(probe.VerifyName))),
			suite.Now(withoutTLS, readClear(host, tlsPort, expect.Severed(), expect.FailedDuring(probe.PhaseResponse))),
			suite.Now(withTLS, ask(tlsOnClear, expect.FailedWith(probe.ClassClosed, probe.ClassReset, probe.ClassTLSNotTLS), expect.FailedDuring(probe.PhaseTLS))),
			suite.Now(badPassword, guessing(expect.FailedWith(probe.ClassAuth), expect.Verified())),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("Gateway", name, expect.FieldDocuments, []any{alias}, "spec", "servers", "0", "hosts"),
			suite.Withhold("VirtualService", name, expect.FieldDocuments),
			suite.Withhold("Secret", name, expect.FieldDocuments),
			suite.BreakBefore(otherCA, "a certificate of that other CA", expect.FieldFailure, presenting(name, name+"-stranger", signed, trusting(oneStarEach()))),
			suite.BreakBefore(otherName, "a certificate with that name in it", expect.FieldFailure,
				presenting(name, name+"-alias", suite.CredentialOf(gateway, name+"-alias", pki.Leaf{DNSNames: []string{host, alias}}), read(alias, oneStarEach()))),
			suite.BreakBefore(withoutTLS, "no TLS on that port", expect.FieldFailure,
				edited("Gateway", name, server(tlsPort, "tls-"+name, "MONGO", "*", nil), steadily(readClear(host, tlsPort, oneStarEach())), "spec", "servers", "0")),
			suite.BreakBefore(withTLS, "TLS on that port", expect.FieldFailure,
				edited("Gateway", name, server(clearPort, "mongo-"+name, "TLS", host, simple(name)), steadily(ask(tlsOnClear, oneStarEach())), "spec", "servers", "1")),
			suite.BreakBefore(badPassword, "without the route from then on", expect.FieldFailure, without("VirtualService", name, read(host, oneStarEach()))),
		},
	}
}

// plainPort: what is configured without TLS is served without, and no longer than it is
// configured.
func plainPort() suite.Feature {
	const host = "plain.mongo.example.com"
	const (
		withTLS = "the port with TLS serves as well"
		closes  = "the port without TLS is refused once its Gateway is deleted"
		stays   = "the port without TLS stays refused"
		serves  = "the port with TLS still serves"
	)
	refused := briefly(readClear(host, clearPort, expect.FailedWith(probe.ClassRefused, probe.ClassReset, probe.ClassClosed, probe.ClassTimeout)))
	return suite.Feature{
		Name:    "PlainPort",
		Promise: "The port without TLS is served where it is configured, and refused once it is no longer.",
		Spec:    spec,
		Setup:   []suite.Setup{credential("plain-port", host), suite.Fixtures("mongo-ingress/plain-port/*.yaml")},
		Steps: []suite.Step{
			suite.Eventually("the driver reads without TLS, and its messages can be read on the wire", readClear(host, clearPort, oneStarEach(), expect.ClearOnTheWire())),
			suite.Eventually(withTLS, read(host, oneStarEach(), expect.EncryptedOnTheWire())),
			suite.Do("the Gateway of the port without TLS is deleted", suite.Delete("Gateway", "plain-port-clear")),
			suite.Eventually(closes, refused),
			suite.Stay(stays, refused),
			suite.Now(serves, read(host, oneStarEach())),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "plain-port-clear", expect.FieldDocuments),
			suite.Withhold("VirtualService", "plain-port", expect.FieldDocuments).At(withTLS),
			suite.Replace("VirtualService", "plain-port-clear", expect.FieldDocuments, 27019, "spec", "tcp", "0", "route", "0", "destination", "port", "number"),
			suite.AddObject("a second Gateway for the port", expect.FieldFailure, plainAgain()).At(closes),
			suite.BreakBefore(stays, "the port is served again", expect.FieldFailure,
				suite.Sequence(suite.Apply(plainAgain()), suite.WaitFor(steadily(readClear(host, clearPort, oneStarEach()))))),
			suite.BreakBefore(serves, "without its route from then on", expect.FieldDocuments, without("VirtualService", "plain-port", read(host, oneStarEach()))),
		},
	}
}

// certificateRotation: a session that is open survives, a new one sees the new serial.
func certificateRotation() suite.Feature {
	const name, host = "mongo-certificate-rotation", "rotation.mongo.example.com"
	const newSerial, rest = "new sessions see the new serial", "the open cursor gives the rest on its own connection"
	presents := read(host, oneStarEach()).Presents(name)
	open := &cursor{}
	return suite.Feature{
		Name:    "CertificateRotation",
		Promise: "A replaced secret serves new sessions, and one that is reading goes on.",
		Spec:    spec,
		Setup:   []suite.Setup{credential(name, host), suite.Fixtures("mongo-ingress/certificate-rotation/*.yaml")},
		Steps: []suite.Step{
			suite.Eventually("the certificate is presented", presents),
			suite.Do("a session opens a cursor", suite.Func(func(ctx context.Context, e suite.Env) error { return open.begin(ctx, e, host) })),
			suite.Do("the secret's content is replaced", suite.Apply(credential(name, host))),
			suite.Eventually(newSerial, presents),
			suite.Now(rest, suite.That(open.end, fieldOpenCursor, expect.FieldConnectionsOpened)),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("Gateway", name, expect.FieldDocuments, "never-made", "spec", "servers", "0", "tls", "credentialName"),
			suite.Withhold("VirtualService", name, expect.FieldDocuments),
			suite.BreakBefore(newSerial, "a certificate that was not asked for", expect.FieldCertificateSerial,
				presenting(name, name+"-other", credential(name+"-other", host), read(host, expect.Answered()).Presents(name+"-other"))),
			suite.BreakBefore(rest, "the session is cut", fieldOpenCursor, suite.Func(open.cut)),
		},
	}
}

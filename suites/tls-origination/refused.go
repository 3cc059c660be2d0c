package tlsorigination

import (
	"context"
	"net/http"
	"slices"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/pki"
	"meshgate/framework/suite"
)

// unverified is what Envoy says of a server that it does not trust.
const unverified = "CERTIFICATE_VERIFY_FAILED"

// badCertificate is one that the host shows when it is asked for by another name.
type badCertificate struct {
	name string
	is   string // what is wrong with it
	leaf pki.Leaf
	by   func(*outside) *pki.CA // nil: the run's CA, which is trusted
}

var bad = []badCertificate{
	{name: "expired", is: "has expired", leaf: pki.Leaf{DNSNames: []string{untrusted}, Expired: true}},
	{name: "early", is: "is not valid yet", leaf: pki.Leaf{DNSNames: []string{untrusted}, NotBefore: time.Now().Add(time.Hour)}},
	{name: "misnamed", is: "is another host's", leaf: pki.Leaf{DNSNames: []string{"other.example.com"}}},
	{name: "selfsigned", is: "is signed by itself", leaf: pki.Leaf{DNSNames: []string{untrusted}, SelfSigned: true}},
	{name: "foreign", is: "is signed by another authority", leaf: pki.Leaf{DNSNames: []string{untrusted}},
		by: func(w *outside) *pki.CA { return w.other }},
}

func (b badCertificate) sni() string { return b.name + "." + untrusted }

func (b badCertificate) shows(w *outside) suite.Served {
	s := suite.Served{Leaf: b.leaf}
	if b.by != nil {
		s.By = b.by(w)
	}
	return s
}

// untrustedCARefused has the same host show one bad certificate after another, and then has
// the gateway trust wrongly. Each is refused by the gateway for what it is, and what the
// application sent goes nowhere in the clear: the server would answer it.
func untrustedCARefused(w *outside) suite.Feature {
	const credential = "untrusted-ca"
	then := []suite.Step{
		suite.Control("a good certificate is trusted", fromAgent(w.plain(untrusted), overTLS(untrusted))),
	}
	for _, b := range bad {
		then = append(then, suite.Do("the host shows a certificate that "+b.is, spoken(untrusted, "sni", b.sni())))
		then = append(then, w.refused("a certificate that "+b.is, untrusted, unverified)...)
	}
	then = append(then, suite.Do("the host shows its good certificate again", spoken(untrusted, "sni", untrusted)),
		suite.Eventually("which is trusted again", fromAgent(w.plain(untrusted), overTLS(untrusted))))
	for _, trust := range []struct {
		what string
		pem  func() string
	}{
		{"another CA alone", func() string { return w.other.PEM() }},
		{"no CA at all", func() string { return "" }},
	} {
		then = append(then, suite.Do("the gateway is given "+trust.what, func(ctx context.Context, e *suite.Env) error {
			return e.Stand(ctx, []suite.Given{suite.CACredential(gateway, credential, func(*suite.Env) string { return trust.pem() })})
		}))
		then = append(then, w.refused("with "+trust.what, untrusted, unverified)...)
	}
	return suite.Feature{
		Name:    "UntrustedCARefused",
		Promise: "A host that cannot prove who it is gets nothing, neither over TLS nor in the clear.",
		Spec:    spec,
		Given: []suite.Given{
			suite.CACredential(gateway, credential, func(e *suite.Env) string { return e.CA.PEM() }),
			way(untrusted, byCredential(untrusted, credential, nil)),
		},
		Then: then,
		Sabotage: []suite.Sabotage{
			suite.Replace("DestinationRule", nameOf(untrusted), "status", []any{untrusted, "other.example.com"}, tlsField("subjectAltNames")...),
			suite.Replace("DestinationRule", nameOf(untrusted), "status", verify(untrusted, credential, map[string]any{"insecureSkipVerify": true}), tlsPath...),
		},
	}
}

// refused asserts that the gateway does not go on with a host, and that its log says why.
func (w *outside) refused(what, host string, why string) []suite.Step {
	var x exchange
	return []suite.Step{
		x.asked(what+": the request is refused", w.plain(host), fixed(expect.Status(http.StatusServiceUnavailable))),
		x.logged(what+": the gateway's log says why", atGateway,
			says(expect.StatusIs(503), expect.ClusterIs("outbound|443||"+host), expect.TransportFailureContains(why))),
	}
}

// refusedByHost asserts that the host does not go on with the gateway. By TLS 1.3 the
// gateway is connected before the host has looked at its certificate, so its log says only
// that the connection ended; why is in the host's own log, of the same connection.
func (w *outside) refusedByHost(what, host, why string) []suite.Step {
	var x exchange
	return []suite.Step{
		x.asked(what+": the request is refused", w.plain(host), fixed(expect.Status(http.StatusServiceUnavailable))),
		suite.Becomes(what+": the host's log says why, of the gateway's connection", func(ctx context.Context, e *suite.Env) error {
			lines, err := atGateway(e).Lines(ctx)
			if err != nil {
				return err
			}
			if err := expect.ExactlyOne(lines, suite.Of(x.seen), expect.StatusIs(503), expect.ClusterIs("outbound|443||"+host)); err != nil {
				return err
			}
			log, err := e.ServerLog(ctx, "world", "world")
			if err != nil {
				return err
			}
			return expect.HandshakeRefused(log, expect.Those(lines, suite.Of(x.seen))[0].UpstreamLocal, why)
		}),
	}
}

// mutualTLS: the host demands a certificate of the gateway.
func mutualTLS(w *outside) suite.Feature {
	const credential = "mutual-client"
	client := func(by func(*suite.Env) *pki.CA) suite.Given {
		return suite.ClientCredential(gateway, credential, pki.Leaf{CommonName: "meshgate egress", Client: true}, by)
	}
	trusted := func(e *suite.Env) *pki.CA { return e.CA }
	then := []suite.Step{
		suite.Becomes("with its certificate the gateway reaches the host, which sees that one", func(ctx context.Context, e *suite.Env) error {
			check := expect.All(overTLS(mutual), expect.EchoClientCert(e.Certificate(credential).Serial))
			return check(e.AskFrom(ctx, "bookinfo", "agent", w.plain(mutual)(e)))
		}),
		suite.Do("the gateway's certificate is one of another authority", func(ctx context.Context, e *suite.Env) error {
			return e.Stand(ctx, []suite.Given{client(func(*suite.Env) *pki.CA { return w.other })})
		}),
	}
	then = append(then, w.refusedByHost("a certificate of another authority", mutual, "signed by unknown authority")...)
	then = append(then, suite.Do("the gateway shows none", spoken(mutual, "mode", "SIMPLE")))
	then = append(then, w.refusedByHost("no certificate", mutual, "didn't provide a certificate")...)
	return suite.Feature{
		Name:    "MutualTLS",
		Promise: "A host that demands a certificate is reached with the right one, and with no other.",
		Spec:    spec,
		Given: []suite.Given{
			client(trusted),
			way(mutual, byCredential(mutual, credential, map[string]any{"mode": "MUTUAL"})),
		},
		Then: then,
		Sabotage: []suite.Sabotage{
			suite.Withhold("Secret", credential, "status"),
			suite.Replace("DestinationRule", nameOf(mutual), "status", "SIMPLE", tlsField("mode")...),
		},
	}
}

// caRotation: the host's authority changes, and the gateway follows by a new secret.
func caRotation(w *outside) suite.Feature {
	const credential, after = "rotated-ca", "after." + rotated
	trust := func(pem func(*suite.Env) string) suite.Step {
		return suite.Do("the gateway is given the new CA", func(ctx context.Context, e *suite.Env) error {
			return e.Stand(ctx, []suite.Given{suite.CACredential(gateway, credential, pem)})
		})
	}
	host := func(name, sni string) suite.Step { return suite.Do(name, spoken(rotated, "sni", sni)) }
	return suite.Feature{
		Name:    "CARotation",
		Promise: "When the host's authority changes, the gateway refuses it until it is given the new one; then it refuses the old one.",
		Spec:    spec,
		Given: []suite.Given{
			suite.CACredential(gateway, credential, func(e *suite.Env) string { return e.CA.PEM() }),
			way(rotated, byCredential(rotated, credential, nil)),
		},
		Then: slices.Concat(
			[]suite.Step{
				suite.Control("the host is trusted", fromAgent(w.plain(rotated), overTLS(rotated))),
				host("the host's certificate is of another authority", after),
			},
			w.refused("before the gateway has the new CA", rotated, unverified),
			[]suite.Step{
				trust(func(*suite.Env) string { return w.other.PEM() }),
				suite.Eventually("then the host is trusted", fromAgent(w.plain(rotated), overTLS(after))),
				host("and a server with the old certificate", rotated),
			},
			w.refused("is no longer trusted", rotated, unverified),
			[]suite.Step{
				suite.Do("the gateway is given a huge bundle, in which both are", func(ctx context.Context, e *suite.Env) error {
					bundle, err := manyCAs(e.CA.PEM() + w.other.PEM())
					if err != nil {
						return err
					}
					return e.Stand(ctx, []suite.Given{suite.CACredential(gateway, credential, func(*suite.Env) string { return bundle })})
				}),
				suite.Eventually("then both are trusted", fromAgent(w.plain(rotated), overTLS(rotated))),
			},
		),
		Sabotage: []suite.Sabotage{
			suite.Withhold("Secret", credential, "status"),
			suite.Replace("DestinationRule", nameOf(rotated), "status", verify(rotated, credential, map[string]any{"insecureSkipVerify": true}), tlsPath...),
		},
	}
}

// manyCAs is a bundle as large as operating systems' are, with those given at its end.
func manyCAs(pem string) (string, error) {
	const many = 150
	var bundle string
	for range many {
		ca, err := pki.NewCA("one of many")
		if err != nil {
			return "", suite.Broken(err)
		}
		bundle += ca.PEM()
	}
	return bundle + pem, nil
}

// missingSecret: a credential that does not exist stops its own host, and is named.
func missingSecret(w *outside) suite.Feature {
	const credential = "never-made-origination"
	var x exchange
	return suite.Feature{
		Name:    "MissingSecret",
		Promise: "A host whose CA is not there is not reached, the missing secret is named, and other hosts are untouched.",
		Spec:    spec,
		Given:   []suite.Given{way(missing, byCredential(missing, credential, nil)), way(beside)},
		Then: []suite.Step{
			suite.Control("another host is reached", fromAgent(w.plain(beside), overTLS(beside))),
			x.asked("the host without a CA is refused", w.plain(missing), fixed(expect.Status(http.StatusServiceUnavailable))),
			suite.Becomes("the control plane names the secret", suite.ControlPlaneNames(credential)),
			suite.Stay("it stays refused", fromAgent(w.plain(missing), expect.Status(http.StatusServiceUnavailable))),
			suite.Now("and the other host is untouched", fromAgent(w.plain(beside), overTLS(beside))),
			suite.Do("the secret is made", func(ctx context.Context, e *suite.Env) error {
				return e.Stand(ctx, []suite.Given{suite.CACredential(gateway, credential, func(e *suite.Env) string { return e.CA.PEM() })})
			}),
			suite.Eventually("then the host is reached", fromAgent(w.plain(missing), overTLS(missing))),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("DestinationRule", nameOf(beside), "status"),
			suite.Replace("DestinationRule", nameOf(missing), "control plane log", "none-such", tlsField("credentialName")...),
		},
	}
}

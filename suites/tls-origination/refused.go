package tlsorigination

import (
	"context"
	"net/http"
	"time"

	"meshgate/framework/accesslog"
	"meshgate/framework/expect"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// unverified is what Envoy says of a server that it does not trust.
const unverified = "CERTIFICATE_VERIFY_FAILED"

// unsupplied is what the log says while there is nothing to verify a server by: the cluster
// is not ready for want of its secret, and some time later it is and has none.
func unsupplied() expect.LineCheck {
	return expect.EitherOf(expect.FlagsAre("NC"), expect.TransportFailureContains("supplied"))
}

// wrong is a host that must not be trusted, for what it shows or for whom the gateway
// trusts; fixtures/tls-origination/untrusted-ca-refused has them all.
type wrong struct {
	name string // below untrusted.example.com
	is   string
	leaf pki.Leaf
	by   func(*outside) *pki.CA // has signed what it shows; nil: the run's CA, which is trusted
}

func distrusted() []wrong {
	return []wrong{
		{name: "expired", is: "a certificate that has expired", leaf: pki.Leaf{Expired: true}},
		{name: "early", is: "one that is not valid yet", leaf: pki.Leaf{NotBefore: time.Now().Add(time.Hour)}},
		{name: "misnamed", is: "another host's", leaf: named("other.example.com")},
		{name: "selfsigned", is: "one that is signed by itself", leaf: pki.Leaf{SelfSigned: true}},
		{name: "foreign", is: "one of another authority", by: func(w *outside) *pki.CA { return w.other }},
		{name: "otherca", is: "a good one, when another CA is trusted,"},
	}
}

func (b wrong) host() string { return b.name + untrusted }

func (b wrong) shows(w *outside) suite.Served {
	s := suite.Served{Leaf: b.leaf}
	if s.Leaf.DNSNames == nil {
		s.Leaf.DNSNames = []string{b.host()}
	}
	if b.by != nil {
		s.By = b.by(w)
	}
	return s
}

// untrustedCARefused: each is refused by the gateway for what it is, and what the
// application sent goes nowhere in the clear: the server would answer it.
func untrustedCARefused(w *outside) suite.Feature {
	const good, empty = "good" + untrusted, "emptyca" + untrusted
	then := []suite.Step{suite.Control("a host that shows a good certificate is trusted", fromAgent(w.plain(good), overTLS(good)))}
	for _, b := range distrusted() {
		then = append(then, w.refused(b.is, b.host(), expect.ClusterIs("outbound|443||"+b.host()), expect.TransportFailureContains(unverified)))
	}
	then = append(then, w.refused("whoever it is, when the trusted bundle is empty,", empty, unsupplied()),
		suite.Becomes("and the control plane says that it is empty", suite.ControlPlaneNames("untrusted-emptyca")))
	rule := func(name string) string { return "untrusted-" + name }
	return suite.Feature{
		Name:    "UntrustedCARefused",
		Promise: "A host that cannot prove who it is gets nothing, neither over TLS nor in the clear.",
		Spec:    spec,
		Given: []suite.Given{
			trust("untrusted-ca", func(e *suite.Env) string { return e.CA.PEM() }),
			trust(rule("otherca"), func(*suite.Env) string { return w.other.PEM() }),
			trust(rule("emptyca"), func(*suite.Env) string { return "" }),
			toGateway(suite.Apply("tls-origination/untrusted-ca-refused/*.yaml"), "untrusted", "http"),
		},
		Then: then,
		Sabotage: []suite.Sabotage{
			suite.Replace("DestinationRule", rule("misnamed"), "status", []any{"other.example.com"}, tlsField("subjectAltNames")...),
			suite.Replace("DestinationRule", rule("expired"), "status", unverifying("expired"+untrusted), tlsPath...),
			suite.Replace("DestinationRule", rule("foreign"), "status", rule("otherca"), tlsField("credentialName")...),
		},
	}
}

// unverifying speaks TLS to anybody.
func unverifying(host string) map[string]any {
	return map[string]any{"mode": "SIMPLE", "insecureSkipVerify": true, "sni": host}
}

// trust is what the gateway is to trust, in a secret.
func trust(secret string, pem func(*suite.Env) string) suite.Given {
	return suite.CACredential(gateway, secret, pem)
}

// refused asserts that the gateway does not go on with a host, and what its log says of
// that. Whoever is not known yet is refused too: the log tells that from what is meant,
// and then one asks again.
func (w *outside) refused(what, host string, why ...expect.LineCheck) suite.Step {
	var x exchange
	return suite.Becomes(what+" is refused, and the gateway's log says why", func(ctx context.Context, e *suite.Env) error {
		_, err := x.refusedAtGateway(ctx, e, w.plain(host), why...)
		return err
	})
}

// refusedByHost asserts that the host does not go on with the gateway. By TLS 1.3 the
// gateway is connected before the host has looked at its certificate, so its log says only
// that the connection ended; why is in the host's own log, of the same connection.
func (w *outside) refusedByHost(what, host, why string) suite.Step {
	var x exchange
	return suite.Becomes(what+" is refused, and the host's log says why, of the gateway's connection", func(ctx context.Context, e *suite.Env) error {
		line, err := x.refusedAtGateway(ctx, e, w.plain(host), expect.ClusterIs("outbound|443||"+host))
		if err != nil {
			return err
		}
		log, err := e.ServerLog(ctx, "world", "world")
		if err != nil {
			return err
		}
		return expect.HandshakeRefused(log, line.UpstreamLocal, why)
	})
}

// refusedAtGateway asks until it is the gateway that refuses, and not the sidecar for want
// of a route; and asks again when the line of what was asked tells of something else.
func (x *exchange) refusedAtGateway(ctx context.Context, e *suite.Env, r func(*suite.Env) probe.Request, why ...expect.LineCheck) (line accesslog.Line, err error) {
	if x.seen.RequestID == "" {
		seen := e.AskFrom(ctx, "bookinfo", "agent", r(e))
		if err := expect.All(expect.Status(http.StatusServiceUnavailable), expect.FromUpstream())(seen); err != nil {
			return line, err
		}
		x.seen = seen
	}
	lines, err := atGateway(e).Lines(ctx)
	if err != nil {
		return line, err
	}
	mine := expect.Those(lines, suite.Of(x.seen))
	err = expect.ExactlyOne(mine, append([]expect.LineCheck{suite.Of(x.seen), expect.StatusIs(503)}, why...)...)
	if len(mine) > 0 {
		line = mine[0]
	}
	if err != nil && len(mine) > 0 {
		x.seen = probe.Observation{}
	}
	return line, err
}

// The hosts that demand a certificate, by what the gateway has to show them.
const (
	mutual    = "mutual.example.com"
	wrongCert = "wrongcert.mutual.example.com"
	noCert    = "nocert.mutual.example.com"
)

// mutualTLS: the host demands a certificate of the gateway.
func mutualTLS(w *outside) suite.Feature {
	const credential, foreign, none = "mutual-client", "mutual-foreign", "mutual-none"
	client := func(name string, by func(*suite.Env) *pki.CA) suite.Given {
		return suite.ClientCredential(gateway, name, pki.Leaf{CommonName: "meshgate egress", Client: true}, by)
	}
	both := map[string]any{"mode": "MUTUAL"}
	return suite.Feature{
		Name:    "MutualTLS",
		Promise: "A host that demands a certificate is reached with the right one, and with no other.",
		Spec:    spec,
		Given: []suite.Given{
			client(credential, func(e *suite.Env) *pki.CA { return e.CA }),
			way(mutual, byCredential(mutual, credential, both)),
			client(foreign, func(*suite.Env) *pki.CA { return w.other }),
			way(wrongCert, byCredential(wrongCert, foreign, both)),
			suite.CACredential(gateway, none, func(e *suite.Env) string { return e.CA.PEM() }),
			way(noCert, byCredential(noCert, none, nil)),
		},
		Then: []suite.Step{
			suite.Becomes("with its certificate the gateway reaches the host, which sees that one", func(ctx context.Context, e *suite.Env) error {
				check := expect.All(overTLS(mutual), expect.EchoClientCert(e.Certificate(credential).Serial))
				return check(e.AskFrom(ctx, "bookinfo", "agent", w.plain(mutual)(e)))
			}),
			w.refusedByHost("a certificate of another authority", wrongCert, "signed by unknown authority"),
			w.refusedByHost("no certificate", noCert, "didn't provide a certificate"),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Secret", credential, "status"),
			suite.Replace("DestinationRule", nameOf(mutual), "status", "SIMPLE", tlsField("mode")...),
		},
	}
}

// caRotation: the host's authority changes, and the gateway follows by a new secret.
func caRotation(w *outside) suite.Feature {
	const credential, after = "rotated-ca", "after." + rotated
	unknown := []expect.LineCheck{expect.ClusterIs("outbound|443||" + rotated), expect.TransportFailureContains(unverified)}
	given := func(pem func(*suite.Env) string) suite.Step {
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
		Then: []suite.Step{
			suite.Control("the host is trusted", fromAgent(w.plain(rotated), overTLS(rotated))),
			host("the host's certificate is of another authority", after),
			w.refused("the host, before the gateway has the new CA,", rotated, unknown...),
			given(func(*suite.Env) string { return w.other.PEM() }),
			suite.Eventually("then the host is trusted", fromAgent(w.plain(rotated), overTLS(after))),
			host("the host shows its old certificate again", rotated),
			w.refused("a server with the old certificate", rotated, unknown...),
			suite.Do("the gateway is given a huge bundle, in which both are", func(ctx context.Context, e *suite.Env) error {
				bundle, err := manyCAs(e.CA.PEM() + w.other.PEM())
				if err != nil {
					return err
				}
				return e.Stand(ctx, []suite.Given{suite.CACredential(gateway, credential, func(*suite.Env) string { return bundle })})
			}),
			suite.Eventually("then both are trusted", fromAgent(w.plain(rotated), overTLS(rotated))),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Secret", credential, "status"),
			suite.Replace("DestinationRule", nameOf(rotated), "status", unverifying(rotated), tlsPath...),
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
	return suite.Feature{
		Name:    "MissingSecret",
		Promise: "A host whose CA is not there is not reached, the missing secret is named, and other hosts are untouched.",
		Spec:    spec,
		Given:   []suite.Given{way(missing, byCredential(missing, credential, nil)), way(beside)},
		Then: []suite.Step{
			suite.Control("another host is reached", fromAgent(w.plain(beside), overTLS(beside))),
			w.refused("the host without a CA", missing, unsupplied()),
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

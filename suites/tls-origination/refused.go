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
	unable := w.refused("whoever it is, when the trusted bundle is empty,", empty, unsupplied())
	told := suite.Becomes("and the control plane says that it is empty", suite.ControlPlaneNames("untrusted-emptyca"))
	then = append(then, unable, told)
	rule := func(name string) string { return "untrusted-" + name }
	bundle := func(secret, field string) suite.Sabotage {
		return suite.Replace("DestinationRule", rule("emptyca"), field, secret, tlsField("credentialName")...)
	}
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
		Sabotage: append(believed(),
			bundle("untrusted-ca", "status").At(unable.Name),
			bundle("untrusted-nobody", "control plane log").At(told.Name)),
	}
}

// believed has the gateway trust each of them after all.
func believed() []suite.Sabotage {
	var all []suite.Sabotage
	for _, b := range distrusted() {
		value, path := any(unverifying(b.host())), tlsPath
		switch b.name {
		case "misnamed":
			value, path = b.leaf.DNSNames, tlsField("subjectAltNames")
		case "foreign":
			value, path = "untrusted-otherca", tlsField("credentialName")
		case "otherca":
			value, path = "untrusted-ca", tlsField("credentialName")
		}
		all = append(all, suite.Replace("DestinationRule", "untrusted-"+b.name, "status", value, path...).At(refusal(b.is)))
	}
	return all
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
	return suite.Becomes(refusal(what), func(ctx context.Context, e *suite.Env) error {
		_, err := x.refusedAtGateway(ctx, e, w.plain(host), why...)
		return err
	})
}

// refusal is what such a step is called.
func refusal(what string) string { return what + " is refused, and the gateway's log says why" }

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
	if x.of != e {
		x.of, x.seen = e, probe.Observation{} // what is left is of an earlier run of the feature
	}
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
	foreignRefused := w.refusedByHost("a certificate of another authority", wrongCert, "signed by unknown authority")
	noneRefused := w.refusedByHost("no certificate", noCert, "didn't provide a certificate")
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
			foreignRefused,
			noneRefused,
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Secret", credential, "status"),
			suite.Replace("DestinationRule", nameOf(mutual), "status", "SIMPLE", tlsField("mode")...),
			suite.Replace("DestinationRule", nameOf(wrongCert), "server's log", "SIMPLE", tlsField("mode")...).At(foreignRefused.Name),
			suite.Replace("DestinationRule", nameOf(noCert), "server's log", verify(noCert, foreign, both), tlsPath...).Called("with a certificate of another authority instead of none").At(noneRefused.Name),
		},
	}
}

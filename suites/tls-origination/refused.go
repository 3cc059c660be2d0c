package tlsorigination

import (
	"context"
	"net/http"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// The hosts of UntrustedCARefused that differ from the others in who signs their
// certificates, or in what the gateway trusts.
const (
	goodHost    = "good" + untrusted
	foreignHost = "foreign" + untrusted
	otherBundle = "otherca" + untrusted
	emptyBundle = "emptyca" + untrusted
)

// untrustedCARefused: the gateway refuses each host for what is wrong with its certificate,
// and sends nothing in the clear: the server would answer that.
func untrustedCARefused(x *external) suite.Feature {
	const (
		foreign    = "a host with a certificate of another authority is refused, and the gateway's log says why"
		otherCA    = "a host is refused when the gateway trusts another CA, and the gateway's log says why"
		emptyCA    = "a host is refused when the gateway's bundle is empty, and the gateway's log says why"
		namesEmpty = "the control plane names the empty bundle"
	)
	bundle := func(host, secret string, field expect.Field) suite.Sabotage {
		return suite.Replace("DestinationRule", "untrusted-"+nameOf(host), field, secret, tlsPath("credentialName")...)
	}
	f := suite.Feature{
		Name:    "UntrustedCARefused",
		Promise: "A host that cannot prove who it is gets nothing, neither over TLS nor in the clear.",
		Spec:    spec,
		Setup: []suite.Setup{
			suite.CACredential(gateway, "untrusted-ca", runCA),
			suite.CACredential(gateway, "untrusted-otherca", x.other),
			suite.CACredential(gateway, "untrusted-emptyca", func(suite.Env) string { return "" }),
			toGateway(suite.Fixtures("tls-origination/untrusted-ca-refused/*.yaml"), "untrusted", "http"),
		},
		Steps: []suite.Step{suite.Control("a host with a good certificate is trusted", originated(goodHost, goodHost))},
	}
	for _, d := range wrongCertificates() {
		f.Steps = append(f.Steps, distrusted(d.step(), d.host()))
		f.Sabotage = append(f.Sabotage, d.trusted.At(d.step()))
	}
	f.Steps = append(f.Steps,
		distrusted(foreign, foreignHost),
		distrusted(otherCA, otherBundle),
		suite.Eventually(emptyCA, refused(emptyCA, emptyBundle, withoutCA())),
		suite.Eventually(namesEmpty, suite.ControlPlaneNames(func(suite.Env) string { return "untrusted-emptyca" })))
	f.Sabotage = append(f.Sabotage,
		bundle(foreignHost, "untrusted-otherca", expect.FieldStatus).At(foreign),
		bundle(otherBundle, "untrusted-ca", expect.FieldStatus).At(otherCA),
		bundle(emptyBundle, "untrusted-ca", expect.FieldStatus).At(emptyCA),
		bundle(emptyBundle, "untrusted-nobody", expect.FieldControlPlaneLog).At(namesEmpty))
	return f
}

// wrong is a host whose certificate is wrong in itself; fixtures/tls-origination has a
// DestinationRule for each.
type wrong struct {
	name    string // below untrusted.example.com
	is      string
	leaf    pki.Leaf
	trusted suite.Sabotage // has the gateway trust it after all
}

func (w wrong) host() string { return w.name + untrusted }

func (w wrong) step() string {
	return "a host with " + w.is + " is refused, and the gateway's log says why"
}

func wrongCertificates() []wrong {
	unverifying := func(name string) suite.Sabotage {
		return suite.Replace("DestinationRule", "untrusted-"+name, expect.FieldStatus, unverified(name+untrusted), tlsPath()...)
	}
	named := []string{"other.example.com"}
	return []wrong{
		{"expired", "an expired certificate", pki.Leaf{DNSNames: []string{"expired" + untrusted}, Expired: true}, unverifying("expired")},
		{"early", "a certificate that is not valid yet", pki.Leaf{DNSNames: []string{"early" + untrusted}, NotBefore: time.Now().Add(time.Hour)}, unverifying("early")},
		{"misnamed", "the certificate of another host", pki.Leaf{DNSNames: named}, suite.Replace("DestinationRule", "untrusted-misnamed", expect.FieldStatus, named, tlsPath("subjectAltNames")...)},
		{"selfsigned", "a self-signed certificate", pki.Leaf{DNSNames: []string{"selfsigned" + untrusted}, SelfSigned: true}, unverifying("selfsigned")},
	}
}

// distrusted asserts that the gateway refuses a host because its certificate does not verify.
func distrusted(step, host string) suite.Step {
	return suite.Eventually(step, refused(step, host, expect.ClusterIs("outbound|443||"+host), expect.TransportFailureContains("CERTIFICATE_VERIFY_FAILED")))
}

// withoutCA is what the log says while the gateway has no CA to verify a host by: the
// cluster is not ready because its secret is missing; some time later it is, without a CA.
func withoutCA() expect.LineCheck {
	return expect.EitherOf(expect.FlagsAre("NC"), expect.TransportFailureContains("supplied"))
}

// refused wants the gateway, and not the sidecar for want of a route, to refuse a request to
// a host, and the gateway's line of that request to pass the checks. A host that the gateway
// does not know yet is refused too: when the line tells of another cause, the next attempt
// makes a new request. The exchange is kept by the name of the step, which makes its own.
func refused(step, host string, why ...expect.LineCheck) suite.Condition {
	request := plain(host, expect.Status(http.StatusServiceUnavailable), expect.FromUpstream())
	line := suite.LineOf(step, egress(), append([]expect.LineCheck{expect.StatusIs(http.StatusServiceUnavailable)}, why...)...)
	return suite.That(func(ctx context.Context, e suite.Env) error {
		if _, err := e.Exchanged(step); err == nil {
			if _, err := line.Look(ctx, e); !tellsOfAnotherCause(err) {
				return err
			}
		}
		seen, err := request.Look(ctx, e)
		if err != nil {
			return err
		}
		e.KeepExchange(step, seen.(probe.Observation))
		_, err = line.Look(ctx, e)
		return err
	}, append(request.Fields(), line.Fields()...)...)
}

// tellsOfAnotherCause is true of a line that is there and does not pass; one that is not
// there may still be written.
func tellsOfAnotherCause(err error) bool {
	found := expect.Mismatches(err)
	return len(found) > 0 && found[0].Field != expect.FieldLogLines
}

package tlsorigination

import (
	"net/http"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/pki"
	"meshgate/framework/suite"
)

// afterRotation is the name by which the gateway asks for the rotated host's new
// certificate: the server presents one certificate for each name.
const afterRotation = "after." + rotated

// caRotation: the host's authority changes, and the gateway follows by a new secret.
func caRotation(x *external) suite.Feature {
	const credential = "rotated-ca"
	const (
		newRefused = "the host is refused before the gateway has its new CA, and the gateway's log says why"
		newTrusted = "the host is trusted with its new CA"
		oldRefused = "the host is refused with its old certificate, and the gateway's log says why"
		bothCAs    = "the gateway gets a huge bundle that has both CAs"
		oldTrusted = "the host is trusted with its old certificate when the bundle has both CAs"
	)
	presents := func(name string) suite.Action { return setTLS(rotated, "sni", name) }
	trusts := func(pem func(suite.Env) string) suite.Setup { return suite.CACredential(gateway, credential, pem) }
	return suite.Feature{
		Name:    "CARotation",
		Promise: "When the host's authority changes, the gateway refuses it until it is given the new one; then it refuses the old one.",
		Spec:    spec,
		Setup:   []suite.Setup{trusts(runCA), routed(rotated, byCredential(rotated, credential, nil))},
		Steps: []suite.Step{
			suite.Control("the host is trusted", originated(rotated, rotated)),
			suite.Do("the host presents a certificate of another authority", presents(afterRotation)),
			distrusted(newRefused, rotated),
			suite.Do("the gateway gets the new CA", suite.Apply(trusts(x.other))),
			suite.Eventually(newTrusted, originated(rotated, afterRotation)),
			suite.Do("the host presents its old certificate again", presents(rotated)),
			distrusted(oldRefused, rotated),
			suite.Do(bothCAs, suite.Apply(x.hugeBundle(credential))),
			suite.Eventually(oldTrusted, originated(rotated, rotated)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Secret", credential, expect.FieldStatus),
			suite.Replace("DestinationRule", nameOf(rotated), expect.FieldStatus, unverified(rotated), tlsPath()...).At(newRefused),
			suite.Replace("DestinationRule", nameOf(rotated), expect.FieldStatus, byFile(rotated), tlsPath()...).Called("with a CA that is a file").At(newTrusted),
			untilSeen(oldRefused, "with a gateway that verifies no more", expect.FieldStatus,
				suite.Set("DestinationRule", nameOf(rotated), unverified(rotated), tlsPath()...), originated(rotated, rotated)),
			untilSeen(bothCAs, "with a host that shows the new certificate again", expect.FieldReceivedSNI,
				presents(afterRotation), originated(rotated, afterRotation)).At(oldTrusted),
		},
	}
}

// hugeBundle is a secret with as many CAs as an operating system trusts; the run's CA and
// the other one are the last.
func (x *external) hugeBundle(secret string) suite.Setup {
	const many = 150
	return func(e suite.Env) (manifest.Set, error) {
		var bundle string
		for range many {
			ca, err := pki.NewCA("one of many")
			if err != nil {
				return manifest.Set{}, suite.Infrastructure(err)
			}
			bundle += ca.PEM()
		}
		bundle += e.CA().PEM() + x.otherCA.PEM()
		return suite.CACredential(gateway, secret, func(suite.Env) string { return bundle })(e)
	}
}

// missingSecret: a credential that does not exist stops its own host, and is named.
func missingSecret() suite.Feature {
	const (
		refusedThere = "the host without a CA is refused, and the gateway's log says why"
		named        = "the control plane names the missing secret"
		stays        = "the host without a CA stays refused"
		stillReached = "the other host is still reached"
		created      = "the missing secret is created"
		reached      = "the host is reached when its secret is there"
	)
	// The name is new in each run: about a secret that a proxy asked for before, the control
	// plane may have logged all already.
	credential := func(e suite.Env) string { return "never-made-origination-" + e.ID() }
	secret := func(e suite.Env) (manifest.Set, error) { return suite.CACredential(gateway, credential(e), runCA)(e) }
	withoutSecret := func(e suite.Env) (manifest.Set, error) {
		return routed(missing, byCredential(missing, credential(e), nil))(e)
	}
	return suite.Feature{
		Name:    "MissingSecret",
		Promise: "A host whose CA is not there is not reached, the missing secret is named, and other hosts are untouched.",
		Spec:    spec,
		Setup:   []suite.Setup{withoutSecret, routed(unaffected)},
		Steps: []suite.Step{
			suite.Control("the other host is reached", originated(unaffected, unaffected)),
			suite.Programmed(), // also of the gateway, which waits for the secret
			suite.Eventually(refusedThere, refused(refusedThere, missing, withoutCA())),
			suite.Eventually(named, suite.ControlPlaneNames(credential)),
			suite.Stay(stays, plain(missing, expect.Status(http.StatusServiceUnavailable))),
			suite.Now(stillReached, originated(unaffected, unaffected)),
			suite.Do(created, suite.Apply(secret)),
			suite.Eventually(reached, originated(missing, missing)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("DestinationRule", nameOf(unaffected), expect.FieldStatus),
			suite.Replace("DestinationRule", nameOf(missing), expect.FieldStatus, byFile(missing), tlsPath()...).Called("with a CA that is a file").At(refusedThere),
			suite.Replace("DestinationRule", nameOf(missing), expect.FieldControlPlaneLog, "none-such", tlsPath("credentialName")...).At(named),
			untilSeen(stays, "with a secret that is made too early", expect.FieldStatus, suite.Apply(secret), originated(missing, missing)),
			untilSeen(stillReached, "with another name for the other host", expect.FieldStatus,
				setTLS(unaffected, "sni", "other.example.com"), plain(unaffected, expect.Status(http.StatusServiceUnavailable))),
			untilSeen(created, "with a gateway that speaks in the clear", expect.FieldStatus,
				setTLS(missing, "mode", "DISABLE"), plain(missing, expect.Status(http.StatusBadRequest))).At(reached),
		},
	}
}

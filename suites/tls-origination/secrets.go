package tlsorigination

import (
	"context"
	"net/http"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/pki"
	"meshgate/framework/suite"
)

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
	before, old := w.refused("the host, before the gateway has the new CA,", rotated, unknown...), w.refused("a server with the old certificate", rotated, unknown...)
	trusted := suite.Eventually("then the host is trusted", fromAgent(w.plain(rotated), overTLS(after)))
	both := suite.Eventually("then both are trusted", fromAgent(w.plain(rotated), overTLS(rotated)))
	huge := suite.Do("the gateway is given a huge bundle, in which both are", func(ctx context.Context, e *suite.Env) error {
		bundle, err := manyCAs(e.CA.PEM() + w.other.PEM())
		if err != nil {
			return err
		}
		return e.Stand(ctx, []suite.Given{suite.CACredential(gateway, credential, func(*suite.Env) string { return bundle })})
	})
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
			before,
			given(func(*suite.Env) string { return w.other.PEM() }),
			trusted,
			host("the host shows its old certificate again", rotated),
			old,
			huge,
			both,
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Secret", credential, "status"),
			suite.Replace("DestinationRule", nameOf(rotated), "status", unverifying(rotated), tlsPath...).At(before.Name),
			suite.Replace("DestinationRule", nameOf(rotated), "status", byFile(rotated), tlsPath...).Called("with a CA that is a file").At(trusted.Name),
			w.meanwhile(old.Name, "with a gateway that verifies no more", "status", suite.Set("DestinationRule", nameOf(rotated), unverifying(rotated), tlsPath...),
				w.plain(rotated), overTLS(rotated)),
			w.meanwhile(huge.Name, "with a host that shows the new certificate again", "received SNI", spoken(rotated, "sni", after),
				w.plain(rotated), overTLS(after)).At(both.Name),
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
	// Of a secret that was asked for before, all may have been said.
	credential := func(e *suite.Env) string { return "never-made-origination-" + e.ID() }
	ca := func(e *suite.Env) (manifest.Set, error) {
		return trust(credential(e), func(e *suite.Env) string { return e.CA.PEM() })(e)
	}
	wayWithout := func(e *suite.Env) (manifest.Set, error) {
		return way(missing, byCredential(missing, credential(e), nil))(e)
	}
	refused := w.refused("the host without a CA", missing, unsupplied())
	told := suite.Becomes("the control plane names the secret", func(ctx context.Context, e *suite.Env) error {
		return suite.ControlPlaneNames(credential(e))(ctx, e)
	})
	stays := suite.Stay("it stays refused", fromAgent(w.plain(missing), expect.Status(http.StatusServiceUnavailable)))
	untouched := suite.Now("and the other host is untouched", fromAgent(w.plain(beside), overTLS(beside)))
	supplied := suite.Do("the secret is made", suite.Standing(ca))
	reached := suite.Eventually("then the host is reached", fromAgent(w.plain(missing), overTLS(missing)))
	return suite.Feature{
		Name:    "MissingSecret",
		Promise: "A host whose CA is not there is not reached, the missing secret is named, and other hosts are untouched.",
		Spec:    spec,
		Given:   []suite.Given{wayWithout, way(beside)},
		Then: []suite.Step{
			suite.Control("another host is reached", fromAgent(w.plain(beside), overTLS(beside))),
			suite.Arrives(), // which waits for the secret
			refused,
			told,
			stays,
			untouched,
			supplied,
			reached,
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("DestinationRule", nameOf(beside), "status"),
			suite.Replace("DestinationRule", nameOf(missing), "status", byFile(missing), tlsPath...).Called("with a CA that is a file").At(refused.Name),
			suite.Replace("DestinationRule", nameOf(missing), "control plane log", "none-such", tlsField("credentialName")...).At(told.Name),
			w.meanwhile(stays.Name, "with a secret that is made too early", "status", suite.Standing(ca), w.plain(missing), overTLS(missing)),
			w.meanwhile(untouched.Name, "with another name for the other host", "status", spoken(beside, "sni", "other.example.com"),
				w.plain(beside), expect.Status(http.StatusServiceUnavailable)),
			w.meanwhile(supplied.Name, "with a gateway that speaks in the clear", "status", spoken(missing, "mode", "DISABLE"),
				w.plain(missing), expect.Status(http.StatusBadRequest)).At(reached.Name),
		},
	}
}

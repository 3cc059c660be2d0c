package basicgateway

import (
	"context"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

const (
	rotating = "rotation.example.com"
	steady   = "steady.example.com"
	missing  = "missing.example.com"

	newSerial     = "new connections see the new serial"
	stillAnswers  = "the connection opened before the rotation still answers"
	missingListed = "a host is listed whose secret does not exist"
	noSuchSecret  = "the control plane says that the secret does not exist"
	neitherServes = "the certificate before the garbage is kept, and the host without a secret is unreachable"
	untouched     = "the host with a good secret is untouched"
	servedAgain   = "the good certificate is served again"
)

// certificateRotation: a secret's new content serves new connections, and nothing
// that happens to one secret is felt by anyone else.
func certificateRotation() suite.Feature {
	presents := func(host, credential string) suite.Exchange {
		return suite.Ask(probe.GET("https://"+host+"/"), expect.Status(200)).Presents(credential)
	}
	open := &openConnection{}
	return suite.Feature{
		Name:    "CertificateRotation",
		Promise: "A replaced secret serves new connections, open ones live on, and a bad or missing secret harms no other host.",
		Spec:    spec,
		Setup: []suite.Setup{
			suite.Credential("rotation", pki.Leaf{DNSNames: []string{rotating}}),
			suite.Credential("steady", pki.Leaf{DNSNames: []string{steady}}),
			suite.Fixtures("basic-gateway/certificate-rotation/*.yaml"),
		},
		Steps: []suite.Step{
			suite.Eventually("each host presents its certificate", presents(rotating, "rotation"), presents(steady, "steady")),
			suite.Do("a connection is opened", suite.Func(open.dial)),
			suite.Do("the secret's content is replaced", suite.Func(renew)),
			suite.Eventually(newSerial, presents(rotating, "rotation")),
			suite.Now(stillAnswers, suite.That(open.answers, expect.All(expect.Status(200), expect.Reused()).Fields()...)),
			suite.Do("the secret's content becomes garbage", suite.Func(func(ctx context.Context, e suite.Env) error {
				return putSecret(ctx, e, "rotation", []byte("this is no certificate"), []byte("nor is this a key"))
			})),
			suite.Eventually("the control plane says what is wrong with the secret", suite.ControlPlaneNames(func(suite.Env) string { return "rotation" })),
			suite.Do(missingListed, suite.Apply(hostWithoutSecret)),
			suite.Eventually(noSuchSecret, suite.ControlPlaneNames(neverMade)),
			suite.Stay(neitherServes, presents(rotating, "rotation"),
				suite.Ask(probe.GET("https://"+missing+"/"), expect.Severed(), expect.FailedDuring(probe.PhaseTLS))),
			suite.Now(untouched, presents(steady, "steady")),
			suite.Do("the garbage is replaced by a good certificate", suite.Func(renew)),
			suite.Eventually(servedAgain, presents(rotating, "rotation")),
		},
		Sabotage: rotationSabotage(),
	}
}

func rotationSabotage() []suite.Sabotage {
	return []suite.Sabotage{
		suite.Replace("Gateway", "certificate-rotation", expect.FieldCertificateSerial, "steady", "spec", "servers", "0", "tls", "credentialName"),
		// The gateway may still have the certificate of an earlier secret of that name.
		suite.Withhold("Secret", "steady", expect.FieldCertificateSerial),
		otherCertificate(newSerial, "rotation", rotating),
		unrouted(stillAnswers, "certificate-rotation", "https://"+rotating+"/"),
		otherCertificate(neitherServes, "rotation", rotating),
		suite.BreakBefore(missingListed, "the secret exists", expect.FieldControlPlaneLog, suite.Func(supply)).At(noSuchSecret),
		suite.BreakBefore(neitherServes, "the secret comes after all", expect.FieldFailure,
			suite.Sequence(suite.Func(supply), takesEffect(probe.GET("https://"+missing+"/"), expect.Status(200)))),
		otherCertificate(untouched, "steady", steady),
		otherCertificate(servedAgain, "rotation", rotating),
	}
}

// hostWithoutSecret makes a Gateway whose credentialName is a secret that does not exist.
func hostWithoutSecret(e suite.Env) (manifest.Set, error) {
	return suite.Edited(suite.Fixtures("basic-gateway/certificate-missing/*.yaml"),
		manifest.SetField("Gateway", "certificate-missing", neverMade(e), "spec", "servers", "0", "tls", "credentialName"))(e)
}

// supply makes the secret that must not exist.
func supply(ctx context.Context, e suite.Env) error {
	cert, err := e.Issue(nil, "never-made", pki.Leaf{DNSNames: []string{missing}})
	if err != nil {
		return err
	}
	return putSecret(ctx, e, neverMade(e), cert.CertPEM, cert.KeyPEM)
}

// neverMade names a secret that nobody has ever asked for: proxies and control plane may
// report a missing secret only once.
func neverMade(e suite.Env) string { return "never-made-" + e.ID() }

// renew issues another certificate for the rotating host and puts it into the secret.
func renew(ctx context.Context, e suite.Env) error {
	cert, err := e.Issue(nil, "rotation", pki.Leaf{DNSNames: []string{rotating}})
	if err != nil {
		return err
	}
	return putSecret(ctx, e, "rotation", cert.CertPEM, cert.KeyPEM)
}

func putSecret(ctx context.Context, e suite.Env, name string, certPEM, keyPEM []byte) error {
	return e.Apply(ctx, suite.Objects(manifest.TLSSecret("istio-system", name, certPEM, keyPEM)))
}

// openConnection is held across the rotation. It never reconnects.
type openConnection struct{ held *probe.Held }

func (c *openConnection) dial(ctx context.Context, e suite.Env) error {
	held, seen, err := e.Hold(ctx, probe.GET("https://"+rotating+"/"))
	if err != nil {
		return err
	}
	c.held = held
	return expect.Status(200).Judge(seen)
}

func (c *openConnection) answers(ctx context.Context, e suite.Env) error {
	defer c.held.Close()
	seen := e.AskHeld(ctx, c.held, probe.GET("https://"+rotating+"/again"))
	return expect.All(expect.Status(200), expect.Reused()).Judge(seen)
}

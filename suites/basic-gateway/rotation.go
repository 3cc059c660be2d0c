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

	neitherServes = "the certificate before the garbage is kept, and the host without a secret is unreachable"
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
		Given: []suite.Given{
			suite.Credential("rotation", pki.Leaf{DNSNames: []string{rotating}}),
			suite.Credential("steady", pki.Leaf{DNSNames: []string{steady}}),
			suite.Apply("basic-gateway/certificate-rotation/*.yaml"),
		},
		Then: []suite.Step{
			suite.Eventually("each host presents its certificate", presents(rotating, "rotation"), presents(steady, "steady")),
			suite.Do("a connection is opened", open.dial),
			suite.Do("the secret's content is replaced", renew),
			suite.Eventually("new connections see the new serial", presents(rotating, "rotation")),
			suite.Holds("the connection opened before still answers", open.answers),
			suite.Do("the secret's content becomes garbage", func(ctx context.Context, e *suite.Env) error {
				return putSecret(ctx, e, "rotation", []byte("this is no certificate"), []byte("nor is this a key"))
			}),
			suite.Becomes("the control plane says what is wrong with the secret", suite.ControlPlaneNames("rotation")),
			suite.Do("a host is listed whose secret does not exist", func(ctx context.Context, e *suite.Env) error {
				return e.Stand(ctx, []suite.Given{suite.Edited(suite.Apply("basic-gateway/certificate-missing/*.yaml"),
					manifest.SetField("Gateway", "certificate-missing", neverMade(e), "spec", "servers", "0", "tls", "credentialName"))})
			}),
			suite.Becomes("the control plane says that there is none", func(ctx context.Context, e *suite.Env) error {
				return suite.ControlPlaneNames(neverMade(e))(ctx, e)
			}),
			suite.Stay(neitherServes, presents(rotating, "rotation"),
				suite.Ask(probe.GET("https://"+missing+"/"), expect.Severed(), expect.FailedDuring(probe.PhaseTLS))),
			suite.Now("the host beside them is untouched", presents(steady, "steady")),
			suite.Do("the garbage is replaced by a good certificate", renew),
			suite.Eventually("which is served again", presents(rotating, "rotation")),
		},
		Sabotage: rotationSabotage(),
	}
}

func rotationSabotage() []suite.Sabotage {
	const noSuchSecret = "the control plane says that there is none"
	return []suite.Sabotage{
		suite.Replace("Gateway", "certificate-rotation", "certificate serial", "steady", "spec", "servers", "0", "tls", "credentialName"),
		// The gateway may still have the one of that name that stood before.
		suite.Withhold("Secret", "steady", "certificate serial"),
		another("new connections see the new serial", "rotation", rotating),
		unrouted("the connection opened before still answers", "certificate-rotation", "https://"+rotating+"/"),
		another(neitherServes, "rotation", rotating),
		suite.Meddle("a host is listed whose secret does not exist", "the secret exists", "control plane log", supply).At(noSuchSecret),
		suite.Meddle(neitherServes, "the secret comes after all", "failure", func(ctx context.Context, e *suite.Env) error {
			if err := supply(ctx, e); err != nil {
				return err
			}
			return shows(ctx, e, probe.GET("https://"+missing+"/"), expect.Status(200))
		}),
		another("the host beside them is untouched", "steady", steady),
		another("which is served again", "rotation", rotating),
	}
}

// supply makes the secret that is not to exist.
func supply(ctx context.Context, e *suite.Env) error {
	cert, err := e.Issue("never-made", pki.Leaf{DNSNames: []string{missing}})
	if err != nil {
		return err
	}
	return putSecret(ctx, e, neverMade(e), cert.CertPEM, cert.KeyPEM)
}

// neverMade is a secret that was never asked for: of one that was, proxies and control
// plane may have said all that they say.
func neverMade(e *suite.Env) string { return "never-made-" + e.ID() }

// renew issues another certificate for the rotating host and puts it into the secret.
func renew(ctx context.Context, e *suite.Env) error {
	cert, err := e.Issue("rotation", pki.Leaf{DNSNames: []string{rotating}})
	if err != nil {
		return err
	}
	return putSecret(ctx, e, "rotation", cert.CertPEM, cert.KeyPEM)
}

func putSecret(ctx context.Context, e *suite.Env, name string, certPEM, keyPEM []byte) error {
	return e.Make(ctx, manifest.TLSSecret(e.Namespace("istio-system"), name, certPEM, keyPEM))
}

// openConnection is held across the rotation. It never reconnects.
type openConnection struct{ held *probe.Held }

func (c *openConnection) dial(ctx context.Context, e *suite.Env) error {
	held, seen, err := e.Hold(ctx, probe.GET("https://"+rotating+"/"))
	if err != nil {
		return err
	}
	c.held = held
	return expect.Status(200)(seen)
}

func (c *openConnection) answers(ctx context.Context, e *suite.Env) error {
	defer c.held.Close()
	seen := e.AskHeld(ctx, c.held, probe.GET("https://"+rotating+"/again"))
	return expect.All(expect.Status(200), expect.Reused())(seen)
}

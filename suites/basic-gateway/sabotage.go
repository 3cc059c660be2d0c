package basicgateway

import (
	"context"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// routeTo is a route to an application, as a VirtualService has it.
func routeTo(app string) []any {
	return []any{map[string]any{"destination": map[string]any{"host": app, "port": map[string]any{"number": 8080}}}}
}

// prefixMatch matches the paths with a prefix, as a VirtualService has it.
func prefixMatch(prefix string) []any {
	return []any{map[string]any{"uri": map[string]any{"prefix": prefix}}}
}

// takesEffect waits until a request shows what was changed. The feature keeps no record of
// it: a step that reads the log must not find what was answered in between.
func takesEffect(r probe.Request, check expect.Check) suite.Action {
	return suite.WaitFor(suite.Ask(r, check).Through("ingressgateway"))
}

// edited changes an object of the feature just before a step.
func edited(before, name string, field expect.Field, edit manifest.Edit, r probe.Request, check expect.Check) suite.Sabotage {
	return suite.BreakBefore(before, name, field, suite.Sequence(suite.Edit(edit), takesEffect(r, check)))
}

// unrouted deletes a VirtualService just before a step.
func unrouted(before, name, url string) suite.Sabotage {
	return suite.BreakBefore(before, "without VirtualService "+name+" any more", expect.FieldStatus,
		suite.Sequence(suite.Delete("VirtualService", name), takesEffect(probe.GET(url), expect.Status(404))))
}

// otherCertificate puts a certificate that is as good into a secret just before a step.
func otherCertificate(before, secret, host string) suite.Sabotage {
	const other = "another"
	return suite.BreakBefore(before, "another certificate in secret "+secret+" before: "+before, expect.FieldCertificateSerial, suite.Sequence(
		suite.Func(func(ctx context.Context, e suite.Env) error {
			cert, err := e.Issue(nil, other, pki.Leaf{DNSNames: []string{host}})
			if err != nil {
				return err
			}
			return putSecret(ctx, e, secret, cert.CertPEM, cert.KeyPEM)
		}),
		suite.WaitFor(suite.Ask(probe.GET("https://"+host+"/"), expect.Answered()).Presents(other).Through("ingressgateway"))))
}

// answeredByRoute has a route answer 404 on the host of a Gateway where there should be
// none: the client sees the same, and only the log does not say NR.
func answeredByRoute(gateway, host, step string) suite.Sabotage {
	return suite.AddObject("a route that answers 404", expect.FieldLogFlags, notFound(gateway, host)).At(step)
}

// answeredByRouteLate does so from a step on, when a request was answered by that route.
func answeredByRouteLate(gateway, host, path, before string) suite.Sabotage {
	answered := suite.That(func(ctx context.Context, e suite.Env) error {
		e.Ask(ctx, probe.GET("https://"+host+path))
		return e.Through("").Says(ctx, expect.AuthorityIs(host), expect.PathIs(path), expect.DetailsAre("direct_response"))
	})
	return suite.BreakBefore(before, "a route that answers 404", expect.FieldLogFlags,
		suite.Sequence(suite.Apply(notFound(gateway, host)), suite.WaitFor(answered)))
}

func notFound(gateway, host string) suite.Setup {
	name := gateway + "-not-found"
	return suite.Edited(suite.Fixtures("basic-gateway/sabotage/not-found.yaml"),
		manifest.Rename(map[string]string{"not-found": name}),
		manifest.SetField("VirtualService", name, []any{"istio-system/" + gateway}, "spec", "gateways"),
		manifest.SetField("VirtualService", name, []any{host}, "spec", "hosts"))
}

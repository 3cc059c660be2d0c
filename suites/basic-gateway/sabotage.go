package basicgateway

import (
	"context"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// to is a route to an application, as a VirtualService has it.
func to(app string) []any {
	return []any{map[string]any{"destination": map[string]any{"host": app, "port": map[string]any{"number": 8080}}}}
}

// under matches the paths with a prefix.
func under(prefix string) []any {
	return []any{map[string]any{"uri": map[string]any{"prefix": prefix}}}
}

// shows waits until a request shows what was done. The feature does not remember it: no
// step that reads the log is to stumble over what was answered in between.
func shows(ctx context.Context, e *suite.Env, r probe.Request, check expect.Check) error {
	return e.Await(ctx, "what was done shows at the gateway", func(ctx context.Context) error { return check(e.AskThrough(ctx, "", r)) })
}

// turned changes an object of the feature just before a step.
func turned(before, name, field string, edit manifest.Edit, r probe.Request, check expect.Check) suite.Sabotage {
	return suite.Meddle(before, name, field, func(ctx context.Context, e *suite.Env) error {
		if err := e.Edit(ctx, edit); err != nil {
			return err
		}
		return shows(ctx, e, r, check)
	})
}

// unrouted takes a VirtualService away just before a step.
func unrouted(before, name, url string) suite.Sabotage {
	return suite.Meddle(before, "without VirtualService "+name+" any more", "status", func(ctx context.Context, e *suite.Env) error {
		if err := e.Withdraw(ctx, "VirtualService", name); err != nil {
			return err
		}
		return shows(ctx, e, probe.GET(url), expect.Status(404))
	})
}

// another puts a certificate that is as good into a secret just before a step.
func another(before, secret, host string) suite.Sabotage {
	return suite.Meddle(before, "another certificate in secret "+secret+" before: "+before, "certificate serial", func(ctx context.Context, e *suite.Env) error {
		cert, err := e.Issue("another", pki.Leaf{DNSNames: []string{host}})
		if err != nil {
			return err
		}
		if err := putSecret(ctx, e, secret, cert.CertPEM, cert.KeyPEM); err != nil {
			return err
		}
		return shows(ctx, e, probe.GET("https://"+host+"/"), expect.PeerIs(cert))
	})
}

// answeredByRoute has a route answer 404 on the host of a Gateway where there should be
// none: the client sees the same, and only the log does not say NR.
func answeredByRoute(gateway, host, step string) suite.Sabotage {
	return suite.Besides("a route that answers 404", "log flags", notFound(gateway, host)).At(step)
}

// answeredByRouteLate does so from a step on, when something was asked by that route.
func answeredByRouteLate(gateway, host, path, before string) suite.Sabotage {
	asked := func(ctx context.Context, e *suite.Env) error {
		e.Ask(ctx, probe.GET("https://"+host+path))
		return e.Through("").Says(ctx, expect.AuthorityIs(host), expect.PathIs(path), expect.DetailsAre("direct_response"))
	}
	return suite.Meddle(before, "a route that answers 404", "log flags", suite.After(suite.Standing(notFound(gateway, host)), suite.Until(asked)))
}

func notFound(gateway, host string) suite.Given {
	name := gateway + "-not-found"
	return suite.Edited(suite.Apply("basic-gateway/sabotage/not-found.yaml"),
		manifest.Rename(map[string]string{"not-found": name}),
		manifest.SetField("VirtualService", name, []any{"istio-system/" + gateway}, "spec", "gateways"),
		manifest.SetField("VirtualService", name, []any{host}, "spec", "hosts"))
}

package mongoingress

import (
	"context"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// steadily wants a condition three times in a row: the workers of a proxy learn of a change
// one after the other.
func steadily(c suite.Condition) suite.Condition { return suite.All(c, c, c) }

// without deletes an object, and waits until the condition that it was for is not met any
// more.
func without(kind, name string, c suite.Condition) suite.Action {
	return suite.Sequence(suite.Delete(kind, name), suite.WaitFor(steadily(suite.Not(c))))
}

// edited sets a field of an object, and waits until the condition is met.
func edited(kind, name string, value any, effect suite.Condition, path ...string) suite.Action {
	return suite.Sequence(suite.Set(kind, name, value, path...), suite.WaitFor(effect))
}

// presenting has a Gateway present another certificate than the feature's own, and waits
// until the condition is met.
func presenting(name, credential string, secret suite.Setup, effect suite.Condition) suite.Action {
	return suite.Sequence(suite.Apply(secret),
		edited("Gateway", name, credential, steadily(effect), "spec", "servers", "0", "tls", "credentialName"))
}

// server is one of a Gateway's servers, whole: with and without TLS it differs in two
// fields at once.
func server(port int, name, protocol, host string, tls map[string]any) map[string]any {
	s := map[string]any{"port": map[string]any{"number": port, "name": name, "protocol": protocol}, "hosts": []any{host}}
	if tls != nil {
		s["tls"] = tls
	}
	return s
}

func simple(credential string) map[string]any {
	return map[string]any{"mode": "SIMPLE", "credentialName": credential}
}

// plainAgain serves the port without TLS by a second Gateway; the port with TLS is as it
// was.
func plainAgain() suite.Setup {
	return suite.Edited(suite.Fixtures("mongo-ingress/plain-port/*.yaml"), manifest.Rename(map[string]string{"plain-port-clear": "plain-port-again"}))
}

// pageAgain serves a feature's page by a second Gateway, with the certificate of the first.
func pageAgain(name string) suite.Setup {
	page, second := name+"-page", name+"-page-again"
	return suite.Edited(suite.Fixtures("mongo-ingress/"+name+"/page.yaml"), manifest.Rename(map[string]string{page: second}),
		manifest.SetField("Gateway", second, page, "spec", "servers", "0", "tls", "credentialName"))
}

// cached answers with the page as it was last seen, whatever is in the database by now.
func cached(route string, current suite.Exchange) suite.Action {
	return suite.Func(func(ctx context.Context, e suite.Env) error {
		seen := e.Seen()
		before := string(seen[len(seen)-1].Body)
		answer := map[string]any{"directResponse": map[string]any{"status": 200, "body": map[string]any{"string": before}}}
		return edited("VirtualService", route, []any{answer}, steadily(suite.Not(current)), "spec", "http").Run(ctx, e)
	})
}

// misrouted sends the page's traffic to the database, by the gateway that is not for it.
func misrouted(route, url string) suite.Action {
	logged := suite.That(func(ctx context.Context, e suite.Env) error {
		r := probe.GET(url)
		r.Timeout = e.Budget().Settled // the database may wait for more
		e.Ask(ctx, r)
		return e.Through("").Says(ctx, expect.ClusterIs(inMesh(e)))
	})
	return edited("VirtualService", route, map[string]any{"host": "mongodb", "port": map[string]any{"number": clearPort}}, logged,
		"spec", "http", "0", "route", "0", "destination")
}

// takesHTTP has the database's gateway answer HTTP on the port that no other feature uses.
func takesHTTP(name, shop string) suite.Action {
	logged := suite.That(func(ctx context.Context, e suite.Env) error {
		e.AskThrough(ctx, gateway, probe.GET(address("http", shop, clearPort)))
		return e.Through(gateway).Says(ctx, expect.IsHTTP())
	})
	return edited("Gateway", name, []any{server(clearPort, "http-"+name, "HTTP", shop, nil)}, logged, "spec", "servers")
}

// inTheClear brings a connection to the database's sidecar that is not over mutual TLS, by
// a subset that no other client uses.
func inTheClear(name, host string) suite.Action {
	subset := map[string]any{"host": "mongodb", "subset": "clear", "port": map[string]any{"number": clearPort}}
	logged := suite.That(func(ctx context.Context, e suite.Env) error {
		if err := suite.Send(read(host)).Run(ctx, e); err != nil {
			return err
		}
		return e.Through(gateway).Says(ctx, carried(host), expect.ClusterIs(strings.Replace(inMesh(e), "||", "|clear|", 1)))
	})
	return suite.Sequence(suite.Apply(suite.Fixtures("mongo-ingress/sabotage/destination-rule.yaml")),
		edited("VirtualService", name, subset, logged, "spec", "tcp", "0", "route", "0", "destination"))
}

// onceMore has another driver read, and waits for the lines of both.
func onceMore(host, first string) suite.Action {
	const other = "another driver"
	both := suite.That(func(ctx context.Context, e suite.Env) error {
		wanted := 0
		for _, name := range []string{first, other} {
			seen, err := e.Exchanged(name)
			if err != nil {
				return err
			}
			wanted += len(seen.Connections)
		}
		lines, err := e.Through(gateway).Lines(ctx)
		if err != nil {
			return err
		}
		return expect.Lines(lines, wanted, carried(host))
	})
	return suite.Sequence(suite.Send(read(host).As(other)), suite.WaitFor(both))
}

package mongoingress

import (
	"context"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

// looks are how many in a row must agree before a change counts as in effect: the workers
// of a proxy learn of it one after the other.
const looks = 3

// again asks for the same at every look.
func again(holds suite.Deed) suite.Deed {
	return func(ctx context.Context, e *suite.Env) error {
		for range looks {
			if err := holds(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}
}

// untrue wants mismatches, as often.
func untrue(assertion suite.Deed) suite.Deed { return again(suite.Untrue(assertion)) }

// without takes an object away and waits until what it was for is no longer so.
func without(kind, name string, assertion suite.Deed) suite.Deed {
	return suite.After(suite.Withdrawn(kind, name), suite.Until(untrue(assertion)))
}

// beside has something stand, and goes on from there.
func beside(given suite.Given, then suite.Deed) suite.Deed {
	return suite.After(suite.Standing(given), then)
}

// edited sets a field of an object and waits for what comes of it.
func edited(kind, name string, value any, holds suite.Deed, path ...string) suite.Deed {
	return suite.After(suite.Set(kind, name, value, path...), suite.Until(holds))
}

// reads asserts that a client reads the database through its gateway.
func reads(ask func(*suite.Env) probe.Request) suite.Deed {
	return again(func(ctx context.Context, e *suite.Env) error {
		return expect.Documents(ratingsdb.OneStarEach)(e.AskThrough(ctx, gateway, ask(e)))
	})
}

// shows asserts something of a page.
func shows(url string, check expect.Check) suite.Deed {
	return func(ctx context.Context, e *suite.Env) error {
		return check(e.Ask(ctx, probe.GET(url)))
	}
}

// showing has a Gateway show another certificate than the feature's own, and waits for
// what comes of it.
func showing(name, credential string, given suite.Given, holds suite.Deed) suite.Deed {
	return beside(given, edited("Gateway", name, credential, holds, "spec", "servers", "0", "tls", "credentialName"))
}

// server is one of a Gateway's, whole: with and without TLS differ in two fields at once.
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

// presented asserts that clients see this certificate.
func presented(host, credential string) suite.Deed {
	return again(func(ctx context.Context, e *suite.Env) error {
		return expect.PeerIs(e.Certificate(credential))(e.AskThrough(ctx, gateway, read(host)(e)))
	})
}

// plainAgain serves the port without TLS by a second Gateway; beside it the port with TLS
// is as it was.
func plainAgain() suite.Given {
	return suite.Edited(suite.Apply("mongo-ingress/plain-port/*.yaml"), manifest.Rename(map[string]string{"plain-port-clear": "plain-port-again"}))
}

// pageAgain serves a feature's page by a second Gateway, with the certificate of the first.
func pageAgain(name string) suite.Given {
	page, second := name+"-page", name+"-page-again"
	return suite.Edited(suite.Apply("mongo-ingress/"+name+"/page.yaml"), manifest.Rename(map[string]string{page: second}),
		manifest.SetField("Gateway", second, page, "spec", "servers", "0", "tls", "credentialName"))
}

// cached answers with the page as it was last seen, whatever is in the database by now.
func cached(page string, now suite.Deed) suite.Deed {
	return func(ctx context.Context, e *suite.Env) error {
		seen := e.Seen()
		before := string(seen[len(seen)-1].Body)
		answer := map[string]any{"directResponse": map[string]any{"status": 200, "body": map[string]any{"string": before}}}
		return edited("VirtualService", page, []any{answer}, untrue(now), "spec", "http")(ctx, e)
	}
}

// misled sends the page's traffic to the database, by the gateway that is not for it.
func misled(page, url string) suite.Deed {
	return edited("VirtualService", page, map[string]any{"host": "mongodb", "port": map[string]any{"number": clearPort}},
		func(ctx context.Context, e *suite.Env) error {
			r := probe.GET(url)
			r.Timeout = e.Budget.Settled // the database may wait for more
			e.Ask(ctx, r)
			return e.Through("").Says(ctx, expect.ClusterIs(inMesh(e)))
		}, "spec", "http", "0", "route", "0", "destination")
}

// takesHTTP has the database's gateway answer HTTP on the port that nobody else has.
func takesHTTP(name, shop string) suite.Deed {
	return edited("Gateway", name, []any{server(clearPort, "http-"+name, "HTTP", shop, nil)}, func(ctx context.Context, e *suite.Env) error {
		e.AskThrough(ctx, gateway, probe.GET(address("http", shop, clearPort)))
		return e.Through(gateway).Says(ctx, expect.IsHTTP())
	}, "spec", "servers")
}

// otherwise is the feature's DestinationRule, which no other client notices.
func otherwise() suite.Given { return suite.Apply("mongo-ingress/sabotage/destination-rule.yaml") }

// inTheClear brings a connection to the database's sidecar that is not over mutual TLS.
func inTheClear(name, host string) suite.Deed {
	plain := map[string]any{"host": "mongodb", "subset": "clear", "port": map[string]any{"number": clearPort}}
	return beside(otherwise(), edited("VirtualService", name, plain, func(ctx context.Context, e *suite.Env) error {
		e.AskThrough(ctx, gateway, read(host)(e))
		return e.Through(gateway).Says(ctx, carried(host), expect.ClusterIs(strings.Replace(inMesh(e), "||", "|clear|", 1)))
	}, "spec", "tcp", "0", "route", "0", "destination"))
}

// onceMore has another driver read, and waits for the lines of both.
func onceMore(host string, seen *probe.Observation) suite.Deed {
	return func(ctx context.Context, e *suite.Env) error {
		other := e.AskThrough(ctx, gateway, read(host)(e))
		return e.Await(ctx, "the lines of both drivers", func(ctx context.Context) error {
			lines, err := e.Through(gateway).Lines(ctx)
			if err != nil {
				return err
			}
			return expect.Lines(lines, len(seen.Connections)+len(other.Connections), carried(host))
		})
	}
}

// back starts the gateway again and waits until it serves.
func back(host string) suite.Deed {
	return func(ctx context.Context, e *suite.Env) error {
		if err := e.StartGateway(ctx, gateway); err != nil {
			return err
		}
		return suite.Until(reads(read(host)))(ctx, e)
	}
}

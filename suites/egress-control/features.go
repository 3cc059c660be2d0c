package egresscontrol

import (
	"context"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// itsLine ends the name of the step about the line of what was seen.
const itsLine = ": the sidecar's line says so"

// logged asserts of one request from the agent what its sidecar's line says: each refusal
// has its own cause there.
func logged(name string, r func(*suite.Env) probe.Request, seen expect.Check, line func(probe.Observation) expect.LineCheck, says ...expect.LineCheck) []suite.Step {
	var o probe.Observation
	return []suite.Step{
		suite.Becomes(name, func(ctx context.Context, e *suite.Env) error {
			o = e.AskFrom(ctx, "bookinfo", "agent", r(e))
			return seen(o)
		}),
		suite.Becomes(name+itsLine, func(ctx context.Context, e *suite.Env) error {
			lines, err := e.Sidecar("bookinfo", "agent").Lines(ctx)
			if err != nil {
				return err
			}
			return expect.ExactlyOne(lines, append([]expect.LineCheck{line(o)}, says...)...)
		}),
	}
}

// byConnection picks the line of the connection that the client had.
func byConnection(o probe.Observation) expect.LineCheck {
	return expect.ConnectionIs(o.Local, o.Remote)
}

// The steps of RegistryOnlyBlocks.
const (
	plainRefused  = "plain HTTP to a host that is not registered is answered by the sidecar itself"
	tlsSevered    = "TLS to such a host is severed"
	plainPasses   = "then the same request by plain HTTP passes"
	tlsPasses     = "and that over TLS"
	nothingPasses = "and nothing passes any more"
)

// registryOnlyBlocks changes the policy of the client that the others use: it is alone.
// Another host at the same address is registered meanwhile, so that it is not an empty
// registry that refuses.
func registryOnlyBlocks(at *string) suite.Feature {
	then := []suite.Step{suite.Do("no proxy knows of the world", unknownToTheMesh)}
	then = append(then, logged(plainRefused,
		inClear(at, blocked), expect.Status(502), suite.Of,
		expect.StatusIs(502), expect.DetailsAre("direct_response"), expect.RouteIs("block_all"), expect.NoUpstream())...)
	then = append(then, logged(tlsSevered,
		overTLS(at, blocked, "443"), expect.All(expect.Severed(), expect.FailedDuring(probe.PhaseTLS)), byConnection,
		expect.FlagsAre("UH"), expect.ClusterIs("BlackHoleCluster"))...)
	then = append(then,
		suite.Do("the same workload gets the policy ALLOW_ANY", func(ctx context.Context, e *suite.Env) error {
			return e.Stand(ctx, []suite.Given{suite.Apply("egress-control/allow-any/*.yaml")})
		}))
	then = append(then, logged(plainPasses,
		inClear(at, blocked), expect.Status(200), suite.Of, expect.StatusIs(200), expect.ClusterIs("PassthroughCluster"))...)
	then = append(then, logged(tlsPasses,
		overTLS(at, blocked, "443"), reached(blocked), byConnection, expect.FlagsAre("-"), expect.ClusterIs("PassthroughCluster"))...)
	then = append(then,
		// By the Sidecar itself: its removal is lost to the proxies when istiod prepares another
		// push at that moment (seen with 1.31.1), until something else concerns them.
		suite.Do("the policy is taken back", suite.Set("Sidecar", "allow-any", "REGISTRY_ONLY", "spec", "outboundTrafficPolicy", "mode")),
		suite.Eventually(nothingPasses, fromAgent(overTLS(at, blocked, "443"), expect.Severed())))
	return suite.Feature{
		Name:    "RegistryOnlyBlocks",
		Promise: "A host that is not registered is refused by the sidecar, for the reason that it is not registered.",
		Spec:    spec,
		Alone:   true,
		Given:   []suite.Given{suite.Apply("egress-control/removal-blocks-again/*.yaml")},
		Then:    then,
		// That a ServiceEntry is given which should not be is no sabotage here: the first
		// refusals may be seen before it takes effect.
		Sabotage: uninvited(at),
	}
}

func serviceEntryAllows(at *string) suite.Feature {
	const (
		closed    = "a host that is not registered is refused"
		reaches   = "once it is registered it is reached"
		otherPort = "the same host on another port is not"
		otherHost = "nor another host at the same address"
	)
	ask, askPort, askHost := overTLS(at, allowed, "443"), overTLS(at, allowed, "9443"), overTLS(at, blocked, "443")
	entry := suite.Apply("egress-control/service-entry-allows/*.yaml")
	then := []suite.Step{
		suite.Eventually(closed, fromAgent(ask, expect.Severed())),
		suite.Do("it is registered", suite.Standing(entry)),
	}
	then = append(then, logged(reaches, ask, reached(allowed), byConnection,
		expect.FlagsAre("-"), expect.ClusterIs("outbound|443||"+allowed), expect.SNIIs(allowed))...)
	then = append(then,
		suite.Now(otherPort, fromAgent(askPort, expect.Severed())),
		suite.Now(otherHost, fromAgent(askHost, expect.Severed())),
		suite.Stay("and both stay refused", fromAgent(askPort, expect.Unanswered()), fromAgent(askHost, expect.Unanswered())))
	shut := suite.Until(func(ctx context.Context, e *suite.Env) error {
		return expect.Severed()(e.AskFrom(ctx, "bookinfo", "agent", ask(e)))
	})
	ports := suite.Set("ServiceEntry", "allowed", bothPorts(), "spec", "ports")
	return suite.Feature{
		Name:    "ServiceEntryAllows",
		Promise: "A ServiceEntry opens one host on one port, and no more.",
		Spec:    spec,
		Then:    then,
		Sabotage: []suite.Sabotage{
			suite.Besides("it is registered already", "failure", suite.Edited(entry, manifest.Rename(map[string]string{"allowed": "allowed-before"}))),
			suite.Meddle(reaches, "it is registered no more", "status", suite.After(suite.Withdrawn("ServiceEntry", "allowed"), shut)),
			suite.Meddle(reaches, "another port of it is", "status", suite.After(suite.Set("ServiceEntry", "allowed", 9443, "spec", "ports", "0", "number"), shut)),
			astray(reaches, "by-subset", "log upstream cluster", ask, expect.ClusterIs("outbound|443|other|"+allowed)).At(reaches + itsLine),
			opened(otherPort, "the other port is registered as well", "failure", askPort, allowed, ports),
			opened(otherHost, "the other host is registered as well", "failure", askHost, blocked, suite.Set("ServiceEntry", "allowed", []any{allowed, blocked}, "spec", "hosts")),
			opened("and both stay refused", "the other port is registered after all", "failure", askPort, allowed, ports),
		},
	}
}

func exportToOneNamespace(at *string) suite.Feature {
	ask := overTLS(at, exported, "443")
	return suite.Feature{
		Name:    "ExportToOneNamespace",
		Promise: "A ServiceEntry that is exported to one namespace opens the host there, and in no other.",
		Spec:    spec,
		Given:   []suite.Given{suite.Apply("egress-control/export-to-one-namespace/*.yaml")},
		Then: []suite.Step{
			suite.Control("the namespace that it is exported to reaches the host", fromAgent(ask, reached(exported))),
			suite.Stay("another member does not", from("other", "neighbour", ask, expect.Severed())),
			suite.Do("it is exported to the other one too", func(ctx context.Context, e *suite.Env) error {
				return e.Edit(ctx, manifest.SetField("ServiceEntry", "exported", []any{"*"}, "spec", "exportTo"))
			}),
			suite.Eventually("then that reaches it as well, so the export was what refused it", from("other", "neighbour", ask, reached(exported))),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("ServiceEntry", "exported", "failure", []any{"*"}, "spec", "exportTo").
				At("another member does not"),
			suite.Besides("a Sidecar that imports nothing", "status", suite.Apply("egress-control/sabotage/imports-nothing.yaml")).
				At("then that reaches it as well, so the export was what refused it"),
			suite.Withhold("ServiceEntry", "exported", "status"),
		},
	}
}

// outsideTheMesh states the limit of what a sidecar does (seed 001), and what closes it.
func outsideTheMesh(at *string) suite.Feature {
	const anyHost = "a namespace that is no member reaches any host"
	ask := overTLS(at, blocked, "443")
	unheard := func(e *suite.Env) probe.Request {
		r := ask(e)
		r.Timeout = e.Budget.Settled // an answer is not expected
		return r
	}
	return suite.Feature{
		Name:    "OutsideTheMesh",
		Promise: "What has no sidecar is not covered: the registry does not hold it back, a NetworkPolicy does.",
		Spec:    spec,
		Given:   []suite.Given{suite.Where(mesh.NetworkPolicy, suite.Apply("egress-control/outside-the-mesh/*.yaml"))},
		Then: []suite.Step{
			suite.Eventually(anyHost, from("world", "outsider", ask, reached(blocked))),
			suite.Needing(mesh.NetworkPolicy, suite.Eventually("a pod without a sidecar is held back by a policy", from("bookinfo", "outsider", unheard, expect.Dropped()))),
			suite.Needing(mesh.NetworkPolicy, suite.Do("the policy is withdrawn", func(ctx context.Context, e *suite.Env) error {
				return e.Withdraw(ctx, "NetworkPolicy", "outsider-stays-in")
			})),
			suite.Eventually("and by nothing else", from("bookinfo", "outsider", ask, reached(blocked))),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("NetworkPolicy", "outsider-stays-in", "failed during", map[string]any{"app": "nobody"}, "spec", "podSelector", "matchLabels").
				At("a pod without a sidecar is held back by a policy"),
			suite.Meddle(anyHost, "a policy that holds the pod back", "status", suite.After(suite.Standing(suite.Apply("egress-control/sabotage/world-stays-in.yaml")),
				suite.Until(func(ctx context.Context, e *suite.Env) error {
					return expect.Dropped()(e.AskFrom(ctx, "world", "outsider", unheard(e)))
				}))).Needing(mesh.NetworkPolicy),
			twice("outsider-stays-in", "status", "egress-control/outside-the-mesh/*.yaml").At("and by nothing else").Needing(mesh.NetworkPolicy),
		},
	}
}

func removalBlocksAgain(at *string) suite.Feature {
	const again, unregistered = "egress-control/removal-blocks-again/*.yaml", "for the host is not registered"
	ask := overTLS(at, removed, "443")
	return suite.Feature{
		Name:    "RemovalBlocksAgain",
		Promise: "A ServiceEntry that is removed closes its host again.",
		Spec:    spec,
		Given:   []suite.Given{suite.Apply(again)},
		Then: []suite.Step{
			suite.Control("the registered host is reached", fromAgent(ask, reached(removed))),
			suite.Do("its ServiceEntry is removed", func(ctx context.Context, e *suite.Env) error {
				return e.Withdraw(ctx, "ServiceEntry", "removed")
			}),
			suite.Eventually("new connections are refused", fromAgent(ask, expect.Severed())),
			suite.Stay("and stay refused", fromAgent(ask, expect.Unanswered())),
			suite.Holds(unregistered, func(ctx context.Context, e *suite.Env) error {
				o := e.AskFrom(ctx, "bookinfo", "agent", ask(e))
				return e.Await(ctx, unregistered, func(ctx context.Context) error {
					return e.Sidecar("bookinfo", "agent").Says(ctx, byConnection(o), expect.ClusterIs("BlackHoleCluster"), expect.FlagsAre("UH"))
				})
			}),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("ServiceEntry", "removed", "status"),
			twice("removed", "failure", again).At("new connections are refused"),
			opened(unregistered, "the ServiceEntry is there again", "access-log lines", ask, removed, func(ctx context.Context, e *suite.Env) error {
				return e.Stand(ctx, []suite.Given{suite.Apply(again)})
			}),
			opened("and stay refused", "the ServiceEntry comes back", "failure", ask, removed, func(ctx context.Context, e *suite.Env) error {
				return e.Stand(ctx, []suite.Given{suite.Apply(again)})
			}),
		},
	}
}

package mongoegress

import (
	"context"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

// without takes an object away and waits for what comes of it.
func without(kind, name string, holds suite.Deed) suite.Deed {
	return suite.After(suite.Withdrawn(kind, name), suite.Until(holds))
}

// beside has something stand that should not, and waits for what comes of it.
func beside(fixture string, holds suite.Deed) suite.Deed {
	return suite.After(suite.Standing(suite.Apply(fixture)), suite.Until(holds))
}

// endpoint sends the gateway to another address of the database than the configuration was
// rendered for, and waits for what comes of it.
func endpoint(to *string, holds suite.Deed) suite.Deed {
	return func(ctx context.Context, e *suite.Env) error {
		return suite.After(suite.Set("ServiceEntry", "mongodb", *to, "spec", "endpoints", "0", "address"), suite.Until(holds))(ctx, e)
	}
}

// reads asserts that the agent reads the database.
func reads(at *string) suite.Deed {
	return func(ctx context.Context, e *suite.Env) error {
		return expect.Documents(ratingsdb.OneStarEach)(e.AskFrom(ctx, "bookinfo", "agent", read(at)(e)))
	}
}

// allowAny is a fixture that lets the agent out wherever it likes.
const allowAny = "mongo-egress/sabotage/allow-any.yaml"

// again has what was withdrawn stand once more.
func again(at *string) suite.Deed { return suite.Standing(way(at)...) }

// elsewhere has the mesh know the database's address as that of a host where nobody
// listens: it is refused all the same, for another reason.
func elsewhere(at *string) suite.Deed {
	return func(ctx context.Context, e *suite.Env) error {
		known := manifest.SetField("ServiceEntry", "elsewhere", []any{*at}, "spec", "addresses")
		return e.Stand(ctx, []suite.Given{suite.Edited(suite.Apply("mongo-egress/sabotage/elsewhere.yaml"), known)})
	}
}

// cutOff keeps the pod without a sidecar from the database.
func cutOff(ask func(*suite.Env) probe.Request) suite.Deed {
	return beside("mongo-egress/no-way-around/network-policy.yaml", func(ctx context.Context, e *suite.Env) error {
		r := ask(e)
		r.Timeout = e.Budget.Settled // an answer is not expected
		return expect.Dropped()(e.AskFrom(ctx, "bookinfo", "outsider", r))
	})
}

// straight opens the way past the gateway, and waits until the agent has taken it.
func straight(at *string) suite.Deed {
	return without("VirtualService", route, func(ctx context.Context, e *suite.Env) error {
		if err := reads(at)(ctx, e); err != nil {
			return err
		}
		return suite.Untrue(onlyToGateway("agent"))(ctx, e)
	})
}

// silentAgent and silentGateway write no access log. All features are alone: nobody else
// reads it.
func silentAgent() suite.Given { return suite.Apply("mongo-egress/sabotage/agent-unlogged.yaml") }

func silentGateway(e *suite.Env) (manifest.Set, error) {
	return suite.Edited(suite.Apply("mongo-egress/sabotage/gateway-unlogged.yaml"),
		manifest.SetField("Telemetry", "mongo-egressgateway-unlogged", e.Gateway(gateway).Selector, "spec", "selector", "matchLabels"))(e)
}

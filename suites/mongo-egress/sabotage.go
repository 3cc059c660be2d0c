package mongoegress

import (
	"context"
	"errors"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

// deed is what a step or a sabotage does, or what it asserts.
type deed = func(context.Context, *suite.Env) error

// inEffect waits until something holds.
func inEffect(ctx context.Context, e *suite.Env, holds deed) error {
	return e.Await(ctx, "what was done is in effect", func(ctx context.Context) error { return holds(ctx, e) })
}

// untrue turns an assertion around: it wants a mismatch.
func untrue(assertion deed) deed {
	return func(ctx context.Context, e *suite.Env) error {
		err := assertion(ctx, e)
		switch {
		case err == nil:
			return errors.New("what is to be untrue still holds")
		case len(expect.Mismatches(err)) == 0:
			return err
		}
		return nil
	}
}

// asked judges what the agent sees of the database.
func asked(at *string, check expect.Check) deed {
	return func(ctx context.Context, e *suite.Env) error {
		return check(e.AskFrom(ctx, "bookinfo", "agent", read(at)(e)))
	}
}

// reads asserts that the agent reads the database.
func reads(at *string) deed { return asked(at, expect.Documents(ratingsdb.OneStarEach)) }

// withdraw takes an object away and does not wait.
func withdraw(kind, name string) deed {
	return func(ctx context.Context, e *suite.Env) error { return e.Withdraw(ctx, kind, name) }
}

// without takes an object away and waits for what comes of it.
func without(kind, name string, holds deed) deed {
	return func(ctx context.Context, e *suite.Env) error {
		if err := e.Withdraw(ctx, kind, name); err != nil {
			return err
		}
		return inEffect(ctx, e, holds)
	}
}

// beside has something stand that should not, and waits for what comes of it.
func beside(fixture string, holds deed) deed {
	return func(ctx context.Context, e *suite.Env) error {
		if err := e.Stand(ctx, []suite.Given{suite.Apply(fixture)}); err != nil {
			return err
		}
		return inEffect(ctx, e, holds)
	}
}

// endpoint sends the gateway to another address of the database than the configuration was
// rendered for, and waits for what comes of it.
func endpoint(to *string, holds deed) deed {
	return func(ctx context.Context, e *suite.Env) error {
		if err := e.Edit(ctx, manifest.SetField("ServiceEntry", "mongodb", *to, "spec", "endpoints", "0", "address")); err != nil {
			return err
		}
		return inEffect(ctx, e, holds)
	}
}

// allowAny is a fixture that lets the agent out wherever it likes.
const allowAny = "mongo-egress/sabotage/allow-any.yaml"

// cutOff keeps the pod without a sidecar from the database.
func cutOff(ask func(*suite.Env) probe.Request) deed {
	return beside("mongo-egress/no-way-around/network-policy.yaml", func(ctx context.Context, e *suite.Env) error {
		r := ask(e)
		r.Timeout = e.Budget.Settled // an answer is not expected
		return expect.Dropped()(e.AskFrom(ctx, "bookinfo", "outsider", r))
	})
}

// straight opens the way past the gateway, and waits until the agent has taken it.
func straight(at *string) deed {
	return without("VirtualService", route, func(ctx context.Context, e *suite.Env) error {
		if err := reads(at)(ctx, e); err != nil {
			return err
		}
		return untrue(onlyToGateway("agent"))(ctx, e)
	})
}

// silentAgent and silentGateway write no access log. All features are alone: nobody else
// reads it.
func silentAgent() suite.Given { return suite.Apply("mongo-egress/sabotage/agent-unlogged.yaml") }

func silentGateway(e *suite.Env) (manifest.Set, error) {
	return suite.Edited(suite.Apply("mongo-egress/sabotage/gateway-unlogged.yaml"),
		manifest.SetField("Telemetry", "mongo-egressgateway-unlogged", e.Gateway(gateway).Selector, "spec", "selector", "matchLabels"))(e)
}

package mongoegress

import (
	"context"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/suite"
)

// without deletes an object, and waits until the condition is met.
func without(kind, name string, effect suite.Condition) suite.Action {
	return suite.Sequence(suite.Delete(kind, name), suite.WaitFor(effect))
}

// withExtra applies a fixture that should not be there, and waits until the condition is
// met.
func withExtra(fixture string, effect suite.Condition) suite.Action {
	return suite.Sequence(suite.Apply(suite.Fixtures(fixture)), suite.WaitFor(effect))
}

// endpoint sends the gateway to another address of the database than the configuration was
// rendered for, and waits until the condition is met.
func endpoint(to *string, effect suite.Condition) suite.Action {
	return suite.Func(func(ctx context.Context, e suite.Env) error {
		return suite.Sequence(suite.Set("ServiceEntry", "mongodb", *to, "spec", "endpoints", "0", "address"), suite.WaitFor(effect)).Run(ctx, e)
	})
}

// allowAny is a fixture that lets the agent reach any address.
const allowAny = "mongo-egress/sabotage/allow-any.yaml"

// elsewhere has the mesh know the database's address as that of a host where nobody
// listens: the connection is refused all the same, for another reason.
func elsewhere(at *string) suite.Action {
	return suite.Apply(func(e suite.Env) (manifest.Set, error) {
		return suite.Edited(suite.Fixtures("mongo-egress/sabotage/elsewhere.yaml"),
			manifest.SetField("ServiceEntry", "elsewhere", []any{*at}, "spec", "addresses"))(e)
	})
}

// cutOff keeps the pod without a sidecar from the database.
func cutOff(at *string) suite.Action {
	return withExtra("mongo-egress/no-way-around/network-policy.yaml", fromOutsider(briefly(inClear(read(at, expect.Dropped())))))
}

// bypassOpened opens the path around the gateway, and waits until the agent has taken it.
func bypassOpened(at *string) suite.Action {
	return without("VirtualService", route, suite.All(read(at, oneStarEach()), suite.Not(onlyToGateway("agent"))))
}

// silentAgent and silentGateway write no access log. All features are alone: no other
// feature reads it.
func silentAgent() suite.Setup { return suite.Fixtures("mongo-egress/sabotage/agent-unlogged.yaml") }

func silentGateway(e suite.Env) (manifest.Set, error) {
	return suite.Edited(suite.Fixtures("mongo-egress/sabotage/gateway-unlogged.yaml"),
		manifest.SetField("Telemetry", "mongo-egressgateway-unlogged", e.Gateway(gateway).Selector, "spec", "selector", "matchLabels"))(e)
}

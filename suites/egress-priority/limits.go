package egresspriority

import (
	"context"
	"fmt"

	"meshgate/framework/suite"
)

// limited is a feature about one plan: its callers come at once, and as many as the limit
// allows are served at a time.
func limited(name, promise, plan string, limit, callers int, sabotage ...suite.Sabotage) suite.Feature {
	c := &crowd{app: product, plan: plan, callers: callers}
	return suite.Feature{
		Name:    name,
		Promise: promise,
		Spec:    spec,
		Given:   way(),
		Then: []suite.Step{
			suite.Control("the service is reached", served(product, plan)),
			oneWorker(product),
			suite.Do("the server's counts begin anew", forget),
			c.comes(),
			underWay(product, plan, limit, callers-limit),
			allAnswered(limit, c),
			inSteps(plan, limit, callers),
		},
		Sabotage: sabotage,
	}
}

// oneWorker makes sure of what exact limits rest on.
func oneWorker(app string) suite.Step { return workers(app, 1) }

func workers(app string, want int) suite.Step {
	return suite.Holds(fmt.Sprintf("the proxy of %s has %d worker(s)", app, want), func(ctx context.Context, e *suite.Env) error {
		n, err := e.Sidecar("bookinfo", app).Workers(ctx)
		if err != nil {
			return err
		}
		return suite.Broken(differ("workers of the proxy", want, n))
	})
}

// limitOf are sabotages of the limit of one plan, the place-th subset.
func limitOf(place string, wrong int) suite.Sabotage {
	return suite.Replace("DestinationRule", "rating", "requests under way", wrong, "spec", "subsets", place, "trafficPolicy", "connectionPool", "tcp", "maxConnections")
}

func bronzeIsSerial() suite.Feature {
	return limited("BronzeIsSerial", "Of bronze's requests one is served at a time; the others wait, and none is refused.",
		bronze, bronzeLimit, 5,
		limitOf("2", 2),
		suite.Withhold("DestinationRule", "rating", "status"))
}

func silverIsTwenty() suite.Feature {
	return limited("SilverIsTwenty", "Of silver's requests twenty are served at a time, never one more; the others wait, and none is refused.",
		silver, silverLimit, 30,
		limitOf("1", 21), limitOf("1", 19),
		suite.Withhold("VirtualService", "rating", "requests under way"))
}

func goldIsFree() suite.Feature {
	const callers = 30
	return limited("GoldIsFree", "All of gold's requests are served at once.",
		gold, callers, callers,
		suite.Replace("DestinationRule", "rating", "requests under way",
			map[string]any{"name": gold, "trafficPolicy": map[string]any{"connectionPool": map[string]any{"tcp": map[string]any{"maxConnections": 20}}}}, "spec", "subsets", "0"))
}

// workersMatter: the original example says of its bronze that about two are served at a
// time. That is no fault of the limit: a worker that has no connection may open one.
func workersMatter() suite.Feature {
	const two = 2
	c := &crowd{app: productTwoWorkers, plan: bronze, callers: 24} // that one worker gets them all is next to impossible
	return suite.Feature{
		Name:    "WorkersMatter",
		Promise: "Each worker of a proxy may hold one connection beyond the limit: with two of them bronze is served twice at a time, and never more.",
		Spec:    spec,
		Given:   way(),
		Then: []suite.Step{
			suite.Control("the service is reached", served(productTwoWorkers, bronze)),
			workers(productTwoWorkers, two),
			suite.Do("the server's counts begin anew", forget),
			c.comes(),
			underWay(productTwoWorkers, bronze, two, c.callers-two),
			allAnswered(two, c),
		},
		Sabotage: []suite.Sabotage{
			limitOf("2", 5),
		},
	}
}

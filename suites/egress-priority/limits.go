package egresspriority

import (
	"context"
	"fmt"

	"meshgate/framework/suite"
)

// limited is a feature about one plan: its callers come at once, and as many as the limit
// allows are served at a time. Wrong limits are seen by how many are under way.
func limited(name, promise string, h host, plan string, limit, callers int, wrong ...suite.Sabotage) suite.Feature {
	c := &crowd{host: h, app: product, plan: plan, callers: callers}
	full, answered, clock := h.underWay(product, plan, limit, callers-limit), allAnswered(limit, c), h.inSteps(plan, limit, callers)
	sabotage := []suite.Sabotage{
		suite.Withhold("VirtualService", h.name(), "connections of the proxy"),
		h.exceeded(answered.Name, "with callers past the sidecar", plan),
		h.slowed(plan).At(clock.Name),
	}
	for _, s := range wrong {
		sabotage = append(sabotage, s.At(full.Name))
	}
	return suite.Feature{
		Name:    name,
		Promise: promise,
		Spec:    spec,
		Alone:   true,
		Given:   []suite.Given{h.way()},
		Then: []suite.Step{
			h.fresh(),
			h.served(product, plan),
			workers(product, 1),
			c.comes(),
			full,
			answered,
			clock,
		},
		Sabotage: sabotage,
	}
}

// workers makes sure of what exact limits rest on. That is no assertion: where it is not so,
// nothing can be said of the mesh.
func workers(app string, want int) suite.Step {
	return suite.Do(fmt.Sprintf("the proxy of %s has %d worker(s)", app, want), func(ctx context.Context, e *suite.Env) error {
		n, err := e.Sidecar("bookinfo", app).Workers(ctx)
		if err != nil {
			return err
		}
		return suite.Broken(differ("workers of the proxy", want, n))
	})
}

// limitOf is a sabotage of the limit of one plan, the place-th subset.
func (h host) limitOf(place string, wrong int) suite.Sabotage {
	return suite.Replace("DestinationRule", h.name(), "requests under way", wrong, "spec", "subsets", place, "trafficPolicy", "connectionPool", "tcp", "maxConnections")
}

func bronzeIsSerial() suite.Feature {
	const h host = "bronze-is-serial.rating.example.com"
	return limited("BronzeIsSerial", "Of bronze's requests one is served at a time; the others wait, and none is refused.",
		h, bronze, bronzeLimit, 5,
		h.limitOf("2", 2))
}

func silverIsTwenty() suite.Feature {
	const h host = "silver-is-twenty.rating.example.com"
	return limited("SilverIsTwenty", "Of silver's requests twenty are served at a time, never one more; the others wait, and none is refused.",
		h, silver, silverLimit, 30,
		h.limitOf("1", 21), h.limitOf("1", 19))
}

func goldIsFree() suite.Feature {
	const h, callers = host("gold-is-free.rating.example.com"), 30
	return limited("GoldIsFree", "All of gold's requests are served at once.",
		h, gold, callers, callers,
		suite.Replace("DestinationRule", h.name(), "requests under way",
			map[string]any{"name": gold, "trafficPolicy": map[string]any{"connectionPool": map[string]any{"tcp": map[string]any{"maxConnections": 20}}}}, "spec", "subsets", "0"))
}

// workersMatter: the original example says of its bronze that about two are served at a
// time. That is no fault of the limit: a worker that has no connection may open one.
func workersMatter() suite.Feature {
	const h, two = host("workers-matter.rating.example.com"), 2
	c := &crowd{host: h, app: productTwoWorkers, plan: bronze, callers: 24} // that one worker gets them all is next to impossible
	full, answered := h.underWay(productTwoWorkers, bronze, two, c.callers-two), allAnswered(two, c)
	return suite.Feature{
		Name:    "WorkersMatter",
		Promise: "Each worker of a proxy may hold one connection beyond the limit: with two of them bronze is served twice at a time, and never more.",
		Spec:    spec,
		Given:   []suite.Given{h.way()},
		Then: []suite.Step{
			h.fresh(),
			h.served(productTwoWorkers, bronze),
			workers(productTwoWorkers, two),
			c.comes(),
			full,
			answered,
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("DestinationRule", h.name(), "status"),
			h.limitOf("2", 5).At(full.Name),
			h.exceeded(answered.Name, "with callers past the sidecar", bronze),
		},
	}
}

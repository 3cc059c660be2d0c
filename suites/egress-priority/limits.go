package egresspriority

import (
	"context"
	"fmt"

	"meshgate/framework/expect"
	"meshgate/framework/suite"
)

// limited is a feature about one plan: its callers ask at once, and as many as the limit
// allows are served at a time. A wrong limit shows in how many requests are under way.
func limited(name, promise string, h host, plan string, limit, callers int, wrong ...suite.Sabotage) suite.Feature {
	c := h.crowd(product, plan, callers)
	full, clock := underWayStep(plan, limit, callers-limit), clockStep(plan, limit, callers)
	answered := fmt.Sprintf("all callers of %s are served once released, and there were never more than %d", plan, limit)
	sabotage := []suite.Sabotage{
		suite.Withhold("VirtualService", h.name(), fieldConnections),
		h.exceeded(answered, "with callers past the sidecar", plan),
		h.slowed(plan).At(clock),
	}
	for _, s := range wrong {
		sabotage = append(sabotage, s.At(full))
	}
	return suite.Feature{
		Name:    name,
		Promise: promise,
		Spec:    spec,
		Alone:   true,
		Setup:   []suite.Setup{h.objects()},
		Steps: []suite.Step{
			h.resetCounts(),
			h.served(product, plan),
			workers(product, 1),
			suite.Do(fmt.Sprintf("%d callers of %s ask at once", callers, plan), suite.AskTogether(c)),
			suite.Eventually(full, h.underWay(product, plan, limit, limit, callers-limit)),
			suite.Now(answered, h.allAnswered(plan, exactly(limit), c)),
			suite.Now(clock, h.inSteps(plan, limit, callers)),
		},
		Sabotage: sabotage,
	}
}

// workers makes sure of the number of workers, on which exact limits depend. It is no
// assertion: with another number nothing can be said about the mesh.
func workers(app string, want int) suite.Step {
	return suite.Do(fmt.Sprintf("the proxy of %s has %d worker(s)", app, want), suite.Func(func(ctx context.Context, e suite.Env) error {
		n, err := e.Sidecar("bookinfo", app).Workers(ctx)
		if err != nil || n == want {
			return err
		}
		return suite.Infrastructure(&expect.Mismatch{Field: fieldWorkers, Want: fmt.Sprint(want), Got: fmt.Sprint(n)})
	}))
}

// limitOf is a sabotage of the limit of one plan, the place-th subset.
func (h host) limitOf(place string, wrong int) suite.Sabotage {
	return suite.Replace("DestinationRule", h.name(), fieldUnderWay, wrong, "spec", "subsets", place, "trafficPolicy", "connectionPool", "tcp", "maxConnections")
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
		suite.Replace("DestinationRule", h.name(), fieldUnderWay,
			map[string]any{"name": gold, "trafficPolicy": map[string]any{"connectionPool": map[string]any{"tcp": map[string]any{"maxConnections": 20}}}}, "spec", "subsets", "0"))
}

// workersMatter: the original example says of its bronze that about two are served at a
// time. That is no fault of the limit: a worker that has no connection may open one.
func workersMatter() suite.Feature {
	const h, two = host("workers-matter.rating.example.com"), 2
	c := h.crowd(productTwoWorkers, bronze, 24) // that one worker gets them all is next to impossible
	full := underWayStep(bronze, two, c.Callers-two)
	const answered = "all callers of bronze are served once released, and there were never more than one for each worker"
	return suite.Feature{
		Name:    "WorkersMatter",
		Promise: "Each worker of a proxy may hold one connection beyond the limit: with two of them bronze is served twice at a time, and never more.",
		Spec:    spec,
		Setup:   []suite.Setup{h.objects()},
		Steps: []suite.Step{
			h.resetCounts(),
			h.served(productTwoWorkers, bronze),
			workers(productTwoWorkers, two),
			suite.Do(fmt.Sprintf("%d callers of bronze ask at once", c.Callers), suite.AskTogether(c)),
			suite.Eventually(full, h.underWay(productTwoWorkers, bronze, two, two, c.Callers-two)),
			suite.Now(answered, h.allAnswered(bronze, exactly(two), c)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("DestinationRule", h.name(), expect.FieldStatus),
			h.limitOf("2", 5).At(full),
			h.exceeded(answered, "with callers past the sidecar", bronze),
		},
	}
}

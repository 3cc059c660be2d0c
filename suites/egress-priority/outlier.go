package egresspriority

import (
	"context"
	"net/http"
	"slices"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// outlierEjection: an endpoint that fails is left alone for a while (fixtures: after two
// failures, for three seconds).
func outlierEjection() suite.Feature {
	const h = host("outlier-ejection.rating.example.com")
	const away = 3 * time.Second // baseEjectionTime
	var failed time.Time         // it was asked for the last time, and failed
	ejected := suite.Becomes("when it has failed twice it is asked no more", func(ctx context.Context, e *suite.Env) error {
		now := time.Now()
		asked, err := h.failTwice(ctx, e)
		if asked {
			failed = now
		}
		if err != nil {
			return err
		}
		return expect.Status(http.StatusServiceUnavailable)(e.AskFrom(ctx, "bookinfo", product, h.ask(bronze, "")))
	})
	beside := suite.Now("while gold, which does not watch, is served by it", suite.Ask(h.ask(gold, ""), expect.Status(200)).From("bookinfo", product))
	again := suite.Eventually("then it is asked again", suite.Ask(h.ask(bronze, ""), expect.Status(200)).From("bookinfo", product))
	inTime := suite.Holds("but not before its time", func(context.Context, *suite.Env) error {
		if since := time.Since(failed); since < away {
			return &expect.Mismatch{Field: "time of ejection", Want: "at least " + away.String(), Got: since.String()}
		}
		return nil
	})
	back := suite.Becomes("and counts as ejected no more", func(ctx context.Context, e *suite.Env) error { return h.away(ctx, e, 0) })
	logged := suite.Becomes("the log says that there was no healthy endpoint", func(ctx context.Context, e *suite.Env) error {
		return e.Sidecar("bookinfo", product).Says(ctx, expect.StatusIs(503), expect.FlagsAre("UH"), expect.ClusterIs(h.cluster(bronze)))
	})
	return suite.Feature{
		Name:    "OutlierEjection",
		Promise: "An endpoint that fails is left alone by the plan that watches for it, and asked again after the time set.",
		Spec:    spec,
		Given:   []suite.Given{h.way()},
		Then:    []suite.Step{h.served(product, bronze), ejected, beside, again, inTime, back, logged},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", h.name(), "connections of the proxy"),
			suite.Replace("DestinationRule", h.name(), "endpoints ejected", 1000, ejection("consecutive5xxErrors")...).At(ejected.Name),
			h.servedAs("0", bronze, "status").At(beside.Name),
			suite.Replace("DestinationRule", h.name(), "status", "300s", ejection("baseEjectionTime")...).At(again.Name),
			suite.Replace("DestinationRule", h.name(), "time of ejection", "1s", ejection("baseEjectionTime")...).At(inTime.Name),
			suite.Meddle(back.Name, "with an endpoint that fails again, for long", "endpoints ejected", h.failForLong),
			standing(ejected.Name, "with a log that leaves it out", "access-log lines", "unhealthy-not-logged").At(logged.Name),
		},
	}
}

// ejection is where a field of bronze's outlierDetection is.
func ejection(field string) []string {
	return []string{"spec", "subsets", "2", "trafficPolicy", "outlierDetection", field}
}

// away asserts how many of bronze's endpoints are left alone.
func (h host) away(ctx context.Context, e *suite.Env, want int) error {
	n, err := e.Sidecar("bookinfo", product).Stat(ctx, h.cluster(bronze), "outlier_detection.ejections_active")
	if err != nil {
		return err
	}
	return differ("endpoints ejected", want, n)
}

// failTwice has bronze's endpoint fail, which is left alone for that. It says whether the
// endpoint was asked at all, and not left alone already.
func (h host) failTwice(ctx context.Context, e *suite.Env) (asked bool, err error) {
	seen := e.AskAllFrom(ctx, "bookinfo", product, 1, slices.Repeat([]probe.Request{h.ask(bronze, "status=500")}, 2)...)
	asked = slices.ContainsFunc(seen, func(o probe.Observation) bool { return o.Status == http.StatusInternalServerError })
	return asked, h.away(ctx, e, 1)
}

// failForLong has it fail when it is left alone for longer than anybody waits.
func (h host) failForLong(ctx context.Context, e *suite.Env) error {
	if err := e.Edit(ctx, manifest.SetField("DestinationRule", h.name(), "300s", ejection("baseEjectionTime")...)); err != nil {
		return err
	}
	if err := configured("dynamic_active_clusters", `"base_ejection_time": "300s"`)(ctx, e); err != nil {
		return err
	}
	return e.Await(ctx, "the endpoint is ejected again", func(ctx context.Context) error {
		_, err := h.failTwice(ctx, e)
		return err
	})
}

package egresspriority

import (
	"context"
	"net/http"
	"slices"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// outlierEjection: an endpoint that fails is ejected for a while (fixtures: after two
// failures, for three seconds).
func outlierEjection() suite.Feature {
	const h = host("outlier-ejection.rating.example.com")
	const away = 3 * time.Second // baseEjectionTime
	const (
		ejected = "an endpoint that has failed twice gets no more requests of bronze"
		watched = "gold, which does not watch for failures, is served by the same endpoint"
		again   = "bronze is served by the endpoint again"
		inTime  = "the endpoint was ejected for the time set"
		back    = "the endpoint no longer counts as ejected"
		logged  = "the log says that there was no healthy endpoint"
	)
	var failed time.Time // when the endpoint was asked for the last time, and failed
	return suite.Feature{
		Name:    "OutlierEjection",
		Promise: "An endpoint that fails is left alone by the plan that watches for it, and asked again after the time set.",
		Spec:    spec,
		Setup:   []suite.Setup{h.objects()},
		Steps: []suite.Step{
			h.served(product, bronze),
			suite.Eventually(ejected, suite.That(func(ctx context.Context, e suite.Env) error {
				now := time.Now()
				asked, err := h.failTwice(ctx, e)
				if asked {
					failed = now
				}
				if err != nil {
					return err
				}
				_, err = h.from(product, bronze, expect.Status(http.StatusServiceUnavailable)).Look(ctx, e)
				return err
			}, fieldEjected, expect.FieldStatus)),
			suite.Now(watched, h.from(product, gold, expect.Status(200))),
			suite.Eventually(again, h.from(product, bronze, expect.Status(200))),
			suite.Now(inTime, suite.That(func(context.Context, suite.Env) error {
				if since := time.Since(failed); since < away {
					return &expect.Mismatch{Field: fieldEjectionTime, Want: "at least " + away.String(), Got: since.String()}
				}
				return nil
			}, fieldEjectionTime)),
			suite.Eventually(back, h.away(0)),
			suite.Eventually(logged, suite.LineOfAny(sidecar(), expect.StatusIs(503), expect.FlagsAre("UH"), expect.ClusterIs(h.cluster(bronze)))),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", h.name(), fieldConnections),
			suite.Replace("DestinationRule", h.name(), fieldEjected, 1000, ejection("consecutive5xxErrors")...).At(ejected),
			h.servedAs("0", bronze, expect.FieldStatus).At(watched),
			suite.Replace("DestinationRule", h.name(), expect.FieldStatus, "300s", ejection("baseEjectionTime")...).At(again),
			suite.Replace("DestinationRule", h.name(), fieldEjectionTime, "1s", ejection("baseEjectionTime")...).At(inTime),
			suite.BreakBefore(back, "with an endpoint that fails again, for long", fieldEjected, h.failForLong()),
			withFilter(ejected, "with a log that leaves it out", expect.FieldLogLines, "unhealthy-not-logged").At(logged),
		},
	}
}

// ejection is where a field of bronze's outlierDetection is.
func ejection(field string) []string {
	return []string{"spec", "subsets", "2", "trafficPolicy", "outlierDetection", field}
}

// away wants so many of bronze's endpoints to be ejected.
func (h host) away(want int) suite.Condition {
	return suite.StatIs(fieldEjected, sidecar(), h.cluster(bronze), "outlier_detection.ejections_active", want)
}

// failTwice has bronze's endpoint fail, for which it is ejected. It says whether the
// endpoint was asked at all, and not ejected already.
func (h host) failTwice(ctx context.Context, e suite.Env) (asked bool, err error) {
	seen := e.AskAllFrom(ctx, "bookinfo", product, 1, slices.Repeat([]probe.Request{h.ask(bronze, "status=500")}, 2)...)
	asked = slices.ContainsFunc(seen, func(o probe.Observation) bool { return o.Status == http.StatusInternalServerError })
	_, err = h.away(1).Look(ctx, e)
	return asked, err
}

// failForLong has the endpoint fail when a failure ejects it for longer than any step waits.
func (h host) failForLong() suite.Action {
	return suite.Sequence(
		suite.Set("DestinationRule", h.name(), "300s", ejection("baseEjectionTime")...),
		suite.WaitFor(suite.InConfigDump(sidecar(), "dynamic_active_clusters", `"base_ejection_time": "300s"`)),
		suite.WaitFor(suite.That(func(ctx context.Context, e suite.Env) error {
			_, err := h.failTwice(ctx, e)
			return err
		})))
}

package egresspriority

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// pendingLimitOverflows: the original sets no limit on who may wait; with one the excess
// is told at once.
func pendingLimitOverflows() suite.Feature {
	const h, waiting, refused = host("pending-limit.rating.example.com"), 2, 3
	first := &crowd{host: h, app: product, plan: bronze, callers: bronzeLimit}
	rest := &crowd{host: h, app: product, plan: bronze, callers: waiting + refused}
	path := []string{"spec", "subsets", "2", "trafficPolicy", "connectionPool", "http"}
	limited := func(n int) map[string]any {
		return map[string]any{"maxRequestsPerConnection": 1, "http1MaxPendingRequests": n}
	}
	return suite.Feature{
		Name:    "PendingLimitOverflows",
		Promise: "Where the number of those who wait is limited, the excess is refused at once, for that reason.",
		Spec:    spec,
		Given:   []suite.Given{h.way(manifest.SetField("DestinationRule", "rating", limited(waiting), path...))},
		Then: []suite.Step{
			h.served(product, bronze),
			first.comes(),
			h.underWay(product, bronze, bronzeLimit, 0),
			rest.comes(),
			h.underWay(product, bronze, bronzeLimit, waiting),
			suite.Becomes(fmt.Sprintf("and %d are refused", refused), func(ctx context.Context, e *suite.Env) error {
				n, err := e.Sidecar("bookinfo", product).Stat(ctx, h.cluster(bronze), "upstream_rq_pending_overflow")
				if err != nil {
					return err
				}
				return differ("requests refused", refused, n)
			}),
			suite.Holds("let go, those who waited are served, and the others had 503", func(ctx context.Context, e *suite.Env) error {
				return outcomes(ctx, e, map[int]int{200: bronzeLimit + waiting, 503: refused}, first, rest)
			}),
			suite.Becomes("the log says of each that the limit refused it", func(ctx context.Context, e *suite.Env) error {
				lines, err := e.Sidecar("bookinfo", product).Lines(ctx)
				if err != nil {
					return err
				}
				return expect.Lines(lines, refused, expect.Line(expect.AuthorityIs(string(h)), expect.FlagsAre("UO")), expect.StatusIs(503), expect.ClusterIs(h.cluster(bronze)), expect.NoUpstream())
			}),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("DestinationRule", h.name(), "requests waiting", limited(waiting+1), path...),
		},
	}
}

// limitsAreIndependent compares gold beside a bronze that is full with gold alone, in
// turns, so that whatever else goes on here meets both.
func limitsAreIndependent() suite.Feature {
	const h, each, most = host("limits-are-independent.rating.example.com"), 15, 3.0
	return suite.Feature{
		Name:    "LimitsAreIndependent",
		Promise: "A plan that has all that it may have, and callers waiting, costs another plan nothing.",
		Spec:    spec,
		Alone:   true,
		Given:   []suite.Given{h.way()},
		Then: []suite.Step{
			h.served(product, gold),
			h.served(product, bronze),
			suite.Holds(fmt.Sprintf("gold's median time beside a full bronze is less than %g times that alone", most), func(ctx context.Context, e *suite.Env) error {
				var alone, beside []time.Duration
				for range rounds {
					if err := h.timed(ctx, e, each, &alone); err != nil {
						return err
					}
					if err := h.besideFull(ctx, e, each, &beside); err != nil {
						return err
					}
				}
				a, b := median(alone), median(beside)
				e.Note("gold's median time alone %s, beside a full bronze %s", a, b)
				if b.Seconds() < most*a.Seconds() {
					return nil
				}
				return &expect.Mismatch{Field: "gold's time", Want: fmt.Sprintf("less than %g × %s", most, a), Got: b.String()}
			}),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("VirtualService", h.name(), "connections of the proxy", bronze, "spec", "http", "0", "route", "0", "destination", "subset"),
		},
	}
}

// besideFull times gold while bronze has what it may have, and others wait for it.
func (h host) besideFull(ctx context.Context, e *suite.Env, n int, times *[]time.Duration) error {
	c := &crowd{host: h, app: product, plan: bronze, callers: 6}
	if err := c.begin(ctx, e); err != nil {
		return err
	}
	err := e.Await(ctx, "bronze is full", func(ctx context.Context) error {
		return h.under(ctx, e, product, bronze, bronzeLimit, bronzeLimit, c.callers-bronzeLimit)
	})
	if err != nil {
		return err
	}
	if err := h.timed(ctx, e, n, times); err != nil {
		return err
	}
	if err := h.under(ctx, e, product, bronze, bronzeLimit, bronzeLimit, c.callers-bronzeLimit); err != nil {
		return err // it must have been full all the while
	}
	return outcomes(ctx, e, map[int]int{200: c.callers}, c)
}

// timed asks for gold one after another.
func (h host) timed(ctx context.Context, e *suite.Env, n int, times *[]time.Duration) error {
	for _, o := range e.AskAllFrom(ctx, "bookinfo", product, 1, slices.Repeat([]probe.Request{h.ask(gold, "")}, n)...) {
		if err := expect.Status(200)(o); err != nil {
			return err
		}
		*times = append(*times, o.Timing.Total)
	}
	return nil
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// outlierEjection: an endpoint that fails is left alone for a while (fixtures: after two
// failures, for three seconds).
func outlierEjection() suite.Feature {
	const h = host("outlier-ejection.rating.example.com")
	const away = 3 * time.Second // baseEjectionTime
	var failed time.Time
	active := func(ctx context.Context, e *suite.Env, want int) error {
		n, err := e.Sidecar("bookinfo", product).Stat(ctx, h.cluster(bronze), "outlier_detection.ejections_active")
		if err != nil {
			return err
		}
		return differ("endpoints ejected", want, n)
	}
	return suite.Feature{
		Name:    "OutlierEjection",
		Promise: "An endpoint that fails is left alone by the plan that watches for it, and asked again after the time set.",
		Spec:    spec,
		Given:   []suite.Given{h.way()},
		Then: []suite.Step{
			h.served(product, bronze),
			suite.Do("the endpoint is about to fail", func(context.Context, *suite.Env) error {
				failed = time.Now()
				return nil
			}),
			suite.Becomes("when it has failed twice it is asked no more", func(ctx context.Context, e *suite.Env) error {
				e.AskAllFrom(ctx, "bookinfo", product, 1, slices.Repeat([]probe.Request{h.ask(bronze, "status=500")}, 2)...)
				if err := active(ctx, e, 1); err != nil {
					return err
				}
				return expect.Status(http.StatusServiceUnavailable)(e.AskFrom(ctx, "bookinfo", product, h.ask(bronze, "")))
			}),
			suite.Now("while gold, which does not watch, is served by it", suite.Ask(h.ask(gold, ""), expect.Status(200)).From("bookinfo", product)),
			suite.Eventually("then it is asked again", suite.Ask(h.ask(bronze, ""), expect.Status(200)).From("bookinfo", product)),
			suite.Holds("but not before its time", func(context.Context, *suite.Env) error {
				if since := time.Since(failed); since < away {
					return &expect.Mismatch{Field: "time of ejection", Want: "at least " + away.String(), Got: since.String()}
				}
				return nil
			}),
			suite.Becomes("and counts as ejected no more", func(ctx context.Context, e *suite.Env) error { return active(ctx, e, 0) }),
			suite.Becomes("the log says that there was no healthy endpoint", func(ctx context.Context, e *suite.Env) error {
				return e.Sidecar("bookinfo", product).Says(ctx, expect.StatusIs(503), expect.FlagsAre("UH"), expect.ClusterIs(h.cluster(bronze)))
			}),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("DestinationRule", h.name(), "endpoints ejected", 1000, "spec", "subsets", "2", "trafficPolicy", "outlierDetection", "consecutive5xxErrors"),
			suite.Replace("DestinationRule", h.name(), "time of ejection", "1s", "spec", "subsets", "2", "trafficPolicy", "outlierDetection", "baseEjectionTime"),
		},
	}
}

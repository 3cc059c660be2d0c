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
	const waiting, refused = 2, 3
	var before int
	first := &crowd{app: product, plan: bronze, callers: bronzeLimit}
	rest := &crowd{app: product, plan: bronze, callers: waiting + refused}
	path := []string{"spec", "subsets", "2", "trafficPolicy", "connectionPool", "http"}
	limited := func(n int) map[string]any {
		return map[string]any{"maxRequestsPerConnection": 1, "http1MaxPendingRequests": n}
	}
	return suite.Feature{
		Name:    "PendingLimitOverflows",
		Promise: "Where the number of those who wait is limited, the excess is refused at once, for that reason.",
		Spec:    spec,
		Given:   []suite.Given{suite.Edited(suite.Apply("egress-priority/route/*.yaml"), manifest.SetField("DestinationRule", "rating", limited(waiting), path...))},
		Then: []suite.Step{
			suite.Control("the service is reached", served(product, bronze)),
			suite.Do("the server's counts begin anew", forget),
			suite.Do("what was refused before does not count", func(ctx context.Context, e *suite.Env) (err error) {
				before, err = overflown(ctx, e)
				return err
			}),
			first.comes(),
			underWay(product, bronze, bronzeLimit, 0),
			rest.comes(),
			underWay(product, bronze, bronzeLimit, waiting),
			suite.Becomes(fmt.Sprintf("and %d are refused", refused), func(ctx context.Context, e *suite.Env) error {
				n, err := overflown(ctx, e)
				if err != nil {
					return err
				}
				return differ("requests refused", refused, n-before)
			}),
			suite.Holds("let go, those who waited are served, and the others had 503", func(ctx context.Context, e *suite.Env) error {
				return outcomes(ctx, e, map[int]int{200: bronzeLimit + waiting, 503: refused}, first, rest)
			}),
			suite.Becomes("the log says of each that the limit refused it", func(ctx context.Context, e *suite.Env) error {
				lines, err := e.Sidecar("bookinfo", product).Lines(ctx)
				if err != nil {
					return err
				}
				return expect.Lines(lines, refused, expect.StatusIs(503), expect.FlagsAre("UO"), expect.ClusterIs(clusterOf(bronze)), expect.NoUpstream())
			}),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("DestinationRule", "rating", "requests waiting", limited(waiting+1), path...),
		},
	}
}

// overflown is how many the limit has refused since the proxy began.
func overflown(ctx context.Context, e *suite.Env) (int, error) {
	return e.Sidecar("bookinfo", product).Stat(ctx, clusterOf(bronze), "upstream_rq_pending_overflow")
}

// limitsAreIndependent compares gold beside a bronze that is full with gold alone, in
// turns, so that whatever else goes on here meets both.
func limitsAreIndependent() suite.Feature {
	const rounds, each, most = 3, 15, 3.0
	return suite.Feature{
		Name:    "LimitsAreIndependent",
		Promise: "A plan that has all that it may have, and callers waiting, costs another plan nothing.",
		Spec:    spec,
		Given:   way(),
		Then: []suite.Step{
			suite.Control("gold is served", served(product, gold)),
			suite.Control("and bronze", served(product, bronze)),
			suite.Holds(fmt.Sprintf("gold's median time beside a full bronze is less than %g times that alone", most), func(ctx context.Context, e *suite.Env) error {
				var alone, beside []time.Duration
				for range rounds {
					if err := timed(ctx, e, each, &alone); err != nil {
						return err
					}
					if err := besideFull(ctx, e, each, &beside); err != nil {
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
			// Without its route gold is bronze, and waits with the others.
			suite.Replace("VirtualService", "rating", "status", bronze, "spec", "http", "0", "route", "0", "destination", "subset"),
		},
	}
}

// besideFull times gold while bronze has what it may have, and others wait for it.
func besideFull(ctx context.Context, e *suite.Env, n int, times *[]time.Duration) error {
	c := &crowd{app: product, plan: bronze, callers: 6}
	if err := c.begin(ctx, e); err != nil {
		return err
	}
	err := e.Await(ctx, "bronze is full", func(ctx context.Context) error {
		return under(ctx, e, product, bronze, bronzeLimit, bronzeLimit, c.callers-bronzeLimit)
	})
	if err != nil {
		return err
	}
	if err := timed(ctx, e, n, times); err != nil {
		return err
	}
	if err := under(ctx, e, product, bronze, bronzeLimit, bronzeLimit, c.callers-bronzeLimit); err != nil {
		return err // it must have been full all the while
	}
	return outcomes(ctx, e, map[int]int{200: c.callers}, c)
}

// timed asks for gold one after another.
func timed(ctx context.Context, e *suite.Env, n int, times *[]time.Duration) error {
	for _, o := range e.AskAllFrom(ctx, "bookinfo", product, 1, slices.Repeat([]probe.Request{ask(gold, "")}, n)...) {
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
	const away = 3 * time.Second // baseEjectionTime
	var failed time.Time
	active := func(ctx context.Context, e *suite.Env, want int) error {
		n, err := e.Sidecar("bookinfo", product).Stat(ctx, clusterOf(bronze), "outlier_detection.ejections_active")
		if err != nil {
			return err
		}
		return differ("endpoints ejected", want, n)
	}
	return suite.Feature{
		Name:    "OutlierEjection",
		Promise: "An endpoint that fails is left alone by the plan that watches for it, and asked again after the time set.",
		Spec:    spec,
		Given:   way(),
		Then: []suite.Step{
			suite.Control("bronze is served", served(product, bronze)),
			suite.Do("the endpoint is about to fail", func(context.Context, *suite.Env) error {
				failed = time.Now()
				return nil
			}),
			suite.Becomes("when it has failed twice it is asked no more", func(ctx context.Context, e *suite.Env) error {
				e.AskAllFrom(ctx, "bookinfo", product, 1, slices.Repeat([]probe.Request{ask(bronze, "status=500")}, 2)...)
				if err := active(ctx, e, 1); err != nil {
					return err
				}
				return expect.Status(http.StatusServiceUnavailable)(e.AskFrom(ctx, "bookinfo", product, ask(bronze, "")))
			}),
			suite.Now("while gold, which does not watch, is served by it", served(product, gold)),
			suite.Eventually("then it is asked again", served(product, bronze)),
			suite.Holds("but not before its time", func(context.Context, *suite.Env) error {
				if since := time.Since(failed); since < away {
					return &expect.Mismatch{Field: "time of ejection", Want: "at least " + away.String(), Got: since.String()}
				}
				return nil
			}),
			suite.Becomes("and counts as ejected no more", func(ctx context.Context, e *suite.Env) error { return active(ctx, e, 0) }),
			suite.Becomes("the log says that there was no healthy endpoint", func(ctx context.Context, e *suite.Env) error {
				lines, err := e.Sidecar("bookinfo", product).Lines(ctx)
				if err != nil {
					return err
				}
				return expect.SomeOf(lines, expect.StatusIs(503), expect.FlagsAre("UH"), expect.ClusterIs(clusterOf(bronze)))
			}),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("DestinationRule", "rating", "endpoints ejected", 50, "spec", "subsets", "2", "trafficPolicy", "outlierDetection", "consecutive5xxErrors"),
			suite.Replace("DestinationRule", "rating", "time of ejection", "1s", "spec", "subsets", "2", "trafficPolicy", "outlierDetection", "baseEjectionTime"),
		},
	}
}

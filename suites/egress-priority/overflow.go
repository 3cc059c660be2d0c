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
	arrived, full := h.underWay(product, bronze, bronzeLimit, 0), h.underWay(product, bronze, bronzeLimit, waiting)
	comes := rest.comes()
	counted := suite.Becomes(fmt.Sprintf("and %d are refused", refused), func(ctx context.Context, e *suite.Env) error {
		n, err := e.Sidecar("bookinfo", product).Stat(ctx, h.cluster(bronze), "upstream_rq_pending_overflow")
		if err != nil {
			return err
		}
		return differ("requests refused", refused, n)
	})
	answered := suite.Holds("let go, those who waited are served, and the others had 503", func(ctx context.Context, e *suite.Env) error {
		return outcomes(ctx, e, map[int]int{200: bronzeLimit + waiting, 503: refused}, first, rest)
	})
	logged := suite.Becomes("the log says of each that the limit refused it", func(ctx context.Context, e *suite.Env) error {
		return h.refusedByLimit(ctx, e, refused)
	})
	return suite.Feature{
		Name:    "PendingLimitOverflows",
		Promise: "Where the number of those who wait is limited, the excess is refused at once, for that reason.",
		Spec:    spec,
		Given:   []suite.Given{h.way(manifest.SetField("DestinationRule", "rating", limited(waiting), path...))},
		Then: []suite.Step{
			h.fresh(),
			h.served(product, bronze),
			first.comes(),
			arrived,
			comes,
			full,
			counted,
			answered,
			logged,
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", h.name(), "connections of the proxy"),
			h.unheard(bronze).At(arrived.Name),
			suite.Replace("DestinationRule", h.name(), "requests waiting", limited(waiting+1), path...).At(full.Name),
			h.oneMore(counted.Name, "with one more than there is room for", "requests refused"),
			standing(comes.Name, "with another status for whom the limit refuses", "answers by status", "overflow-too-many-requests").At(answered.Name),
			suite.Meddle(answered.Name, "with one more who is refused when the others were counted", "access-log lines",
				suite.After(h.asksInVain, suite.Until(func(ctx context.Context, e *suite.Env) error { return h.refusedByLimit(ctx, e, refused+1) }))).At(logged.Name),
		},
	}
}

// refusedByLimit: so many lines say so, and nothing else of these requests.
func (h host) refusedByLimit(ctx context.Context, e *suite.Env, refused int) error {
	lines, err := e.Sidecar("bookinfo", product).Lines(ctx)
	if err != nil {
		return err
	}
	return expect.Lines(lines, refused, expect.Line(expect.AuthorityIs(string(h)), expect.FlagsAre("UO")), expect.StatusIs(503), expect.ClusterIs(h.cluster(bronze)), expect.NoUpstream())
}

// oneMore has somebody ask for whom there is no room.
func (h host) oneMore(before, name, field string) suite.Sabotage {
	return suite.Meddle(before, name, field, h.asksInVain)
}

func (h host) asksInVain(ctx context.Context, e *suite.Env) error {
	return expect.Status(http.StatusServiceUnavailable)(e.AskFrom(ctx, "bookinfo", product, h.ask(bronze, "")))
}

// limitsAreIndependent compares gold beside a bronze that is full with gold alone, in
// turns, so that whatever else goes on here meets both.
func limitsAreIndependent() suite.Feature {
	const h, each, most = host("limits-are-independent.rating.example.com"), 15, 3.0
	ofBronze := h.served(product, bronze)
	compared := suite.Holds(fmt.Sprintf("gold's median time beside a full bronze is less than %g times that alone", most), func(ctx context.Context, e *suite.Env) (err error) {
		for range rounds {
			alone, beside, broken := h.aloneAndBeside(ctx, e, each)
			if broken != nil {
				return broken
			}
			if beside.Seconds() < most*alone.Seconds() {
				return nil
			}
			err = &expect.Mismatch{Field: "gold's time", Want: fmt.Sprintf("less than %g × %s", most, alone), Got: beside.String()}
		}
		return err
	})
	return suite.Feature{
		Name:    "LimitsAreIndependent",
		Promise: "A plan that has all that it may have, and callers waiting, costs another plan nothing.",
		Spec:    spec,
		Alone:   true,
		Given:   []suite.Given{h.way()},
		Then: []suite.Step{
			h.served(product, gold),
			ofBronze,
			compared,
		},
		Sabotage: []suite.Sabotage{
			h.servedAs("0", bronze, "connections of the proxy"),
			h.servedAs("2", gold, "connections of the proxy").At(ofBronze.Name),
			standing(compared.Name, "with a gold that waits for bronze", "gold's time", "gold-waits-for-bronze"),
		},
	}
}

// aloneAndBeside are gold's median times, alone the longer of that before and that after.
func (h host) aloneAndBeside(ctx context.Context, e *suite.Env, each int) (alone, beside time.Duration, err error) {
	before, err := h.timed(ctx, e, each)
	if err != nil {
		return 0, 0, err
	}
	full, err := h.besideFull(ctx, e, each)
	if err != nil {
		return 0, 0, err
	}
	after, err := h.timed(ctx, e, each)
	if err != nil {
		return 0, 0, err
	}
	alone, beside = max(median(before), median(after)), median(full)
	e.Note("gold's median time alone %s, beside a full bronze %s", alone, beside)
	return alone, beside, nil
}

// besideFull times gold while bronze has what it may have, and others wait for it.
func (h host) besideFull(ctx context.Context, e *suite.Env, n int) ([]time.Duration, error) {
	c := &crowd{host: h, app: product, plan: bronze, callers: 6}
	if err := c.begin(ctx, e); err != nil {
		return nil, err
	}
	full := func(ctx context.Context) error {
		return h.under(ctx, e, product, bronze, bronzeLimit, bronzeLimit, c.callers-bronzeLimit)
	}
	if err := e.Await(ctx, "bronze is full", full); err != nil {
		return nil, err
	}
	times, err := h.timed(ctx, e, n)
	if err != nil {
		return nil, err
	}
	if err := full(ctx); err != nil {
		return nil, err // it must have been full all the while
	}
	return times, outcomes(ctx, e, map[int]int{200: c.callers}, c)
}

// timed asks for gold one after another.
func (h host) timed(ctx context.Context, e *suite.Env, n int) ([]time.Duration, error) {
	var times []time.Duration
	for _, o := range e.AskAllFrom(ctx, "bookinfo", product, 1, slices.Repeat([]probe.Request{h.ask(gold, "")}, n)...) {
		if err := expect.Status(200)(o); err != nil {
			return nil, err
		}
		times = append(times, o.Timing.Total)
	}
	return times, nil
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

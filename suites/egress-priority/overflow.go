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
	first := h.crowd(product, bronze, bronzeLimit)
	rest := h.crowd(product, bronze, waiting+refused)
	path := []string{"spec", "subsets", "2", "trafficPolicy", "connectionPool", "http"}
	limited := func(n int) map[string]any {
		return map[string]any{"maxRequestsPerConnection": 1, "http1MaxPendingRequests": n}
	}
	arrived, full := underWayStep(bronze, bronzeLimit, 0), underWayStep(bronze, bronzeLimit, waiting)
	const (
		asks     = "5 more callers of bronze ask at once"
		counted  = "3 callers are refused"
		answered = "those who waited are served once released, and the others had 503"
		logged   = "the log says of each refused request that the limit refused it"
	)
	return suite.Feature{
		Name:    "PendingLimitOverflows",
		Promise: "Where the number of those who wait is limited, the excess is refused at once, for that reason.",
		Spec:    spec,
		Setup:   []suite.Setup{h.objects(manifest.SetField("DestinationRule", "rating", limited(waiting), path...))},
		Steps: []suite.Step{
			h.resetCounts(),
			h.served(product, bronze),
			suite.Do("1 caller of bronze asks", suite.AskTogether(first)),
			suite.Eventually(arrived, h.underWay(product, bronze, bronzeLimit, bronzeLimit, 0)),
			suite.Do(asks, suite.AskTogether(rest)),
			suite.Eventually(full, h.underWay(product, bronze, bronzeLimit, bronzeLimit, waiting)),
			suite.Eventually(counted, suite.StatIs(fieldRefused, sidecar(), h.cluster(bronze), "upstream_rq_pending_overflow", refused)),
			suite.Now(answered, suite.Answers(map[int]int{200: bronzeLimit + waiting, 503: refused}, first, rest)),
			suite.Eventually(logged, h.refusedByLimit(refused)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", h.name(), fieldConnections),
			h.neverHeld(bronze).At(arrived),
			suite.Replace("DestinationRule", h.name(), fieldWaiting, limited(waiting+1), path...).At(full),
			suite.BreakBefore(counted, "with one more than there is room for", fieldRefused, h.oneMoreRefused()),
			withFilter(asks, "with another status for whom the limit refuses", expect.FieldAnswers, "overflow-too-many-requests").At(answered),
			suite.BreakBefore(answered, "with one more who is refused when the others were counted", expect.FieldLogLines,
				suite.Sequence(h.oneMoreRefused(), suite.WaitFor(h.refusedByLimit(refused+1)))).At(logged),
		},
	}
}

// refusedByLimit wants so many lines that say so, and nothing else in them.
func (h host) refusedByLimit(refused int) suite.Condition {
	return suite.Lines(refused, sidecar(), expect.Line(expect.AuthorityIs(string(h)), expect.FlagsAre("UO")),
		expect.StatusIs(503), expect.ClusterIs(h.cluster(bronze)), expect.NoUpstream())
}

// oneMoreRefused asks once more when there is no room.
func (h host) oneMoreRefused() suite.Action {
	return suite.Func(func(ctx context.Context, e suite.Env) error {
		_, err := h.from(product, bronze, expect.Status(http.StatusServiceUnavailable)).Look(ctx, e)
		return err
	})
}

// limitsAreIndependent compares gold beside a bronze that is full with gold alone, in
// turns, so that whatever else goes on here meets both.
func limitsAreIndependent() suite.Feature {
	const h, each, most = host("limits-are-independent.rating.example.com"), 15, 3.0
	compared := fmt.Sprintf("gold's median time with a full bronze is less than %g times that alone", most)
	return suite.Feature{
		Name:    "LimitsAreIndependent",
		Promise: "A plan that has all that it may have, and callers waiting, costs another plan nothing.",
		Spec:    spec,
		Alone:   true,
		Setup:   []suite.Setup{h.objects()},
		Steps: []suite.Step{
			h.served(product, gold),
			h.served(product, bronze),
			suite.Now(compared, suite.That(func(ctx context.Context, e suite.Env) (err error) {
				for range rounds {
					alone, busy, broken := h.aloneAndBusy(ctx, e, each)
					if broken != nil {
						return broken
					}
					if busy.Seconds() < most*alone.Seconds() {
						return nil
					}
					err = &expect.Mismatch{Field: fieldGoldTime, Want: fmt.Sprintf("less than %g × %s", most, alone), Got: busy.String()}
				}
				return err
			}, fieldGoldTime, expect.FieldStatus, fieldUnderWay, fieldWaiting, fieldConnections)),
		},
		Sabotage: []suite.Sabotage{
			h.servedAs("0", bronze, fieldConnections),
			h.servedAs("2", gold, fieldConnections).At(servedStep(product, bronze)),
			withFilter(compared, "with a gold that waits for bronze", fieldGoldTime, "gold-waits-for-bronze"),
		},
	}
}

// aloneAndBusy are gold's median times while bronze is idle, the longer of that before and
// that after, and while bronze is full.
func (h host) aloneAndBusy(ctx context.Context, e suite.Env, each int) (alone, busy time.Duration, err error) {
	before, err := h.timed(ctx, e, each)
	if err != nil {
		return 0, 0, err
	}
	full, err := h.timedWhileFull(ctx, e, each)
	if err != nil {
		return 0, 0, err
	}
	after, err := h.timed(ctx, e, each)
	if err != nil {
		return 0, 0, err
	}
	alone, busy = max(median(before), median(after)), median(full)
	e.Note("gold's median time alone %s, with a full bronze %s", alone, busy)
	return alone, busy, nil
}

// timedWhileFull times gold while bronze has what it may have, and other callers of bronze
// wait.
func (h host) timedWhileFull(ctx context.Context, e suite.Env, n int) ([]time.Duration, error) {
	c := h.crowd(product, bronze, 6)
	full := func(ctx context.Context) error {
		_, err := h.underWay(product, bronze, bronzeLimit, bronzeLimit, c.Callers-bronzeLimit).Look(ctx, e)
		return err
	}
	if err := suite.AskTogether(c).Run(ctx, e); err != nil {
		return nil, err
	}
	if err := e.Await(ctx, "bronze to be full", full); err != nil {
		return nil, err
	}
	times, err := h.timed(ctx, e, n)
	if err != nil {
		return nil, err
	}
	if err := full(ctx); err != nil {
		return nil, err // it must have been full all the while
	}
	_, err = suite.Answers(map[int]int{200: c.Callers}, c).Look(ctx, e)
	return times, err
}

// timed asks for gold one after another.
func (h host) timed(ctx context.Context, e suite.Env, n int) ([]time.Duration, error) {
	var times []time.Duration
	for _, o := range e.AskAllFrom(ctx, "bookinfo", product, 1, slices.Repeat([]probe.Request{h.ask(gold, "")}, n)...) {
		if err := expect.Status(200).Judge(o); err != nil {
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

package egresspriority

import (
	"context"
	"fmt"
	"net/http"

	"meshgate/framework/expect"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// ask is a request of a plan to an application, from inside its own pod: what leaves the
// pod is the application's call to the service. "" names no plan.
func (h host) ask(plan, query string) probe.Request {
	r := probe.GET("http://127.0.0.1:8080/ratings?"+query).WithHeader("x-relay-host", string(h))
	if plan != "" {
		r = r.WithHeader("plan-type", plan)
	}
	return r
}

// from asks for a plan from an application's pod.
func (h host) from(app, plan string, checks ...expect.Check) suite.Exchange {
	return suite.Ask(h.ask(plan, ""), checks...).From("bookinfo", app)
}

// served asserts that a plan is served for an application, and by its own subset: then its
// limits are in effect.
func (h host) served(app, plan string) suite.Step {
	return suite.Eventually(servedStep(app, plan), suite.All(h.from(app, plan, expect.Status(200)), h.opened(app, plan)))
}

func servedStep(app, plan string) string {
	return fmt.Sprintf("%s of %s is served by its subset", plan, app)
}

// opened wants the application's sidecar to have a connection to the plan's subset.
func (h host) opened(app, plan string) suite.Condition {
	return suite.ConnectedTo(fieldConnections, suite.Sidecar("bookinfo", app), h.cluster(plan))
}

// crowd is a number of callers of a plan, from an application.
func (h host) crowd(app, plan string, callers int) *suite.Crowd {
	return &suite.Crowd{Request: h.ask(plan, ""), Client: suite.App{Namespace: "bookinfo", Name: app}, Server: world(), Port: counts, Callers: callers}
}

// allAnswered wants every caller to be served once they are released, and the server never
// to have had more requests of the plan than most.
func (h host) allAnswered(plan string, most func(context.Context, suite.Env) (int, error), crowds ...*suite.Crowd) suite.Condition {
	callers := 0
	for _, c := range crowds {
		callers += c.Callers
	}
	return suite.All(suite.Answers(map[int]int{http.StatusOK: callers}, crowds...), suite.That(func(ctx context.Context, e suite.Env) error {
		seen, err := suite.Counts(ctx, e, world(), counts, string(h))
		if err != nil {
			return err
		}
		limit, err := most(ctx, e)
		if err != nil || seen[plan].Most <= limit {
			return err
		}
		return &expect.Mismatch{Field: fieldMostUnderWay, Want: fmt.Sprintf("at most %d", limit), Got: fmt.Sprint(seen[plan].Most)}
	}, fieldMostUnderWay))
}

// exactly is a limit that is known before.
func exactly(n int) func(context.Context, suite.Env) (int, error) {
	return func(context.Context, suite.Env) (int, error) { return n, nil }
}

// resetCounts is the first step of a feature that counts: the server forgets what others
// asked before.
func (h host) resetCounts() suite.Step {
	return suite.Do("the server's counts are reset", suite.ResetCounts(world(), counts, string(h)))
}

// underWayStep names the step of underWay.
func underWayStep(plan string, at, waiting int) string {
	return fmt.Sprintf("%d of %s are under way, and %d wait at the sidecar", at, plan, waiting)
}

// underWay wants so many requests of a plan at the server in total, so many of them from
// an application, whose proxy has no more connections than that and keeps so many waiting.
func (h host) underWay(app, plan string, total, own, waiting int) suite.Condition {
	proxy := suite.Sidecar("bookinfo", app)
	cluster := func(suite.Env) string { return h.cluster(plan) }
	return suite.All(
		suite.UnderWay(fieldUnderWay, world(), counts, string(h), plan, total, exactly(total)),
		suite.StatIs(fieldWaiting, proxy, h.cluster(plan), "upstream_rq_pending_active", waiting),
		suite.UpstreamTotal(fieldConnections, proxy, cluster, func(u mesh.Upstream) int { return u.Open }, own))
}

package egresspriority

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"meshgate/framework/expect"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// ask is a request of a plan to an application, from inside its own pod: what leaves the
// pod is the application's call to the service. "" names no plan.
func (h host) ask(plan, query string) probe.Request {
	r := probe.GET("http://127.0.0.1:8080/ratings?" + query)
	r.Header = http.Header{"x-relay-host": {string(h)}}
	if plan != "" {
		r.Header.Set("plan-type", plan)
	}
	return r
}

// served asserts that a plan is served by an application, and by its own subset: then its
// limits are in effect.
func (h host) served(app, plan string) suite.Step {
	return suite.Becomes(fmt.Sprintf("%s of %s is served by its subset", plan, app), func(ctx context.Context, e *suite.Env) error {
		if err := expect.Status(200)(e.AskFrom(ctx, "bookinfo", app, h.ask(plan, ""))); err != nil {
			return err
		}
		n, err := e.Sidecar("bookinfo", app).Opened(ctx, h.cluster(plan))
		if err != nil || n > 0 {
			return err
		}
		return &expect.Mismatch{Field: "connections of the proxy", Want: "some to " + h.cluster(plan), Got: "none"}
	})
}

// crowd is callers who ask at once, and whom the server holds until they are let go. So
// how many arrive is a matter of limits alone, on a machine of any speed.
type crowd struct {
	host      host
	app, plan string
	callers   int

	gate    string
	answers chan []probe.Observation
}

// comes sends the callers; whatever becomes of the feature, they are let go at its end.
func (c *crowd) comes() suite.Step {
	return suite.Do(fmt.Sprintf("%d callers of %s ask %s at once", c.callers, c.plan, c.app), c.begin)
}

func (c *crowd) begin(ctx context.Context, e *suite.Env) error {
	c.gate, c.answers = rand.Text(), make(chan []probe.Observation, 1)
	requests := make([]probe.Request, c.callers)
	for i := range requests {
		requests[i] = c.host.ask(c.plan, "until="+c.gate)
		requests[i].Timeout = 3 * e.Budget.Converged // they are held while something is waited for
	}
	e.Finally(func(ctx context.Context) error { return letGo(ctx, e, c.gate) })
	go func() { c.answers <- e.AskAllFrom(ctx, "bookinfo", c.app, 0, requests...) }()
	return nil
}

func letGo(ctx context.Context, e *suite.Env, gate string) error {
	_, err := world(ctx, e, http.MethodPost, "/gates/"+gate)
	return err
}

// allAnswered asserts that every caller is served once they are let go, and that the
// server never had more of them than most.
func allAnswered(most int, crowds ...*crowd) suite.Step {
	return servedOver(fmt.Sprintf("let go, all are served, and there were never more than %d", most), crowds,
		func(context.Context, *suite.Env) (int, error) { return most, nil })
}

func servedOver(name string, crowds []*crowd, most func(context.Context, *suite.Env) (int, error)) suite.Step {
	return suite.Holds(name, func(ctx context.Context, e *suite.Env) error {
		callers := 0
		for _, c := range crowds {
			callers += c.callers
		}
		if err := outcomes(ctx, e, map[int]int{200: callers}, crowds...); err != nil {
			return err
		}
		seen, err := crowds[0].host.counted(ctx, e, crowds[0].plan)
		if err != nil {
			return err
		}
		limit, err := most(ctx, e)
		if err != nil || seen.Most <= limit {
			return err
		}
		return &expect.Mismatch{Field: "most requests under way", Want: fmt.Sprintf("at most %d", limit), Got: fmt.Sprint(seen.Most)}
	})
}

// outcomes lets crowds go, all of them first, for one may be waiting behind another, and
// asserts how many had which status.
func outcomes(ctx context.Context, e *suite.Env, want map[int]int, crowds ...*crowd) error {
	for _, c := range crowds {
		if err := letGo(ctx, e, c.gate); err != nil {
			return err
		}
	}
	got := map[int]int{}
	for _, c := range crowds {
		for _, o := range <-c.answers { // each has a timeout
			if err := expect.Answered()(o); err != nil {
				return err
			}
			got[o.Status]++
		}
	}
	if maps.Equal(got, want) {
		return nil
	}
	return &expect.Mismatch{Field: "answers by status", Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
}

// world asks the external server about itself.
func world(ctx context.Context, e *suite.Env, method, path string) ([]byte, error) {
	return e.AskServer(ctx, "world", "world", 8080, method, path)
}

// count is what the server says of a plan.
type count struct{ Now, Most, Total int }

func (h host) counted(ctx context.Context, e *suite.Env, plan string) (count, error) {
	body, err := world(ctx, e, http.MethodGet, "/in-flight?host="+string(h))
	if err != nil {
		return count{}, err
	}
	var all struct{ Plans map[string]count }
	if err := json.Unmarshal(body, &all); err != nil {
		return count{}, suite.Broken(fmt.Errorf("what the external server says is under way: %w", err))
	}
	return all.Plans[plan], nil
}

// fresh is the first step of whoever counts: what others asked before is forgotten.
func (h host) fresh() suite.Step { return suite.Do("the server's counts begin anew", h.forget) }

// forget begins the counts anew.
func (h host) forget(ctx context.Context, e *suite.Env) error {
	_, err := world(ctx, e, http.MethodPost, "/in-flight/reset?host="+string(h))
	return err
}

// underWay asserts that of a plan's requests so many are at the server, and so many wait
// in the proxy of an application, which has no more connections than that.
func (h host) underWay(app, plan string, at, waiting int) suite.Step {
	name := fmt.Sprintf("%d of %s are under way, and %d wait at the sidecar", at, plan, waiting)
	return suite.Becomes(name, func(ctx context.Context, e *suite.Env) error {
		return h.under(ctx, e, app, plan, at, at, waiting)
	})
}

func (h host) under(ctx context.Context, e *suite.Env, app, plan string, total, own, waiting int) error {
	seen, err := h.counted(ctx, e, plan)
	if err != nil {
		return err
	}
	if err := differ("requests under way", total, seen.Now); err != nil {
		return err
	}
	proxy := e.Sidecar("bookinfo", app)
	pending, err := proxy.Stat(ctx, h.cluster(plan), "upstream_rq_pending_active")
	if err != nil {
		return err
	}
	if err := differ("requests waiting", waiting, pending); err != nil {
		return err
	}
	upstreams, err := proxy.Upstreams(ctx, h.cluster(plan))
	if err != nil {
		return err
	}
	return differ("connections of the proxy", own, mesh.Sum(upstreams).Open)
}

func differ(field string, want, got int) error {
	if want == got {
		return nil
	}
	return &expect.Mismatch{Field: field, Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
}

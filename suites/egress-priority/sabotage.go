package egresspriority

import (
	"context"
	"net/http"
	"slices"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// exceeded has others ask past the mesh, whom no proxy holds back, while as many as may be
// are under way.
func (h host) exceeded(before, name, plan string) suite.Sabotage {
	const others = 5 // a limit that is kept for each worker may have room for one
	r := probe.GET("http://" + string(h) + "/ratings?delay=" + delay.String())
	r.Connect, r.Header = "127.0.0.1:8080", http.Header{"plan-type": {plan}}
	return suite.Meddle(before, name, "most requests under way", func(ctx context.Context, e *suite.Env) error {
		for _, o := range e.AskAllFrom(ctx, "world", "world", 0, slices.Repeat([]probe.Request{r}, others)...) {
			if err := expect.Status(200)(o); err != nil {
				return err
			}
		}
		return nil
	})
}

// to is the part of a route that leads to a plan.
func (h host) to(plan string) map[string]any {
	return map[string]any{"destination": map[string]any{"host": string(h), "subset": plan, "port": map[string]any{"number": 80}}}
}

// hindered gets in the way of those who ask with a parameter, and of nobody else. All are
// served by one plan.
func (h host) hindered(plan, parameter string, fault map[string]any, field string) suite.Sabotage {
	route := []any{h.to(plan)}
	asked := []any{map[string]any{"queryParams": map[string]any{parameter: map[string]any{"regex": ".+"}}}}
	return suite.Replace("VirtualService", h.name(), field,
		[]any{map[string]any{"match": asked, "fault": fault, "route": route}, map[string]any{"route": route}}, "spec", "http")
}

// slowed holds up whoever is looked at by the clock, so that already the first is late.
func (h host) slowed(plan string) suite.Sabotage {
	late := map[string]any{"percentage": map[string]any{"value": 100}, "fixedDelay": (6 * delay).String()}
	return h.hindered(plan, "delay", map[string]any{"delay": late}, "time of answer 1").Called("with a delay on the way")
}

// unheard refuses whoever is to be held by the server.
func (h host) unheard(plan string) suite.Sabotage {
	refused := map[string]any{"percentage": map[string]any{"value": 100}, "httpStatus": http.StatusServiceUnavailable}
	return h.hindered(plan, "until", map[string]any{"abort": refused}, "requests under way").Called("with a refusal on the way")
}

// servedAs has the place-th rule lead to another plan.
func (h host) servedAs(place, plan, field string) suite.Sabotage {
	return suite.Replace("VirtualService", h.name(), field, plan, "spec", "http", place, "route", "0", "destination", "subset")
}

// relabelled serves silver as it should, and tells the service of another plan.
func (h host) relabelled(plan, as string) suite.Sabotage {
	to := h.to(plan)
	to["headers"] = map[string]any{"request": map[string]any{"set": map[string]any{"plan-type": as}}}
	return suite.Replace("VirtualService", h.name(), "received header plan-type", to, "spec", "http", "1", "route", "0").Called(plan + " handed on as " + as)
}

// soldTo sells silver to one application only.
func (h host) soldTo(app string) suite.Sabotage {
	match := map[string]any{"headers": map[string]any{"plan-type": map[string]any{"exact": silver}}, "sourceLabels": map[string]any{"app": app}}
	return suite.Replace("VirtualService", h.name(), "connections of the proxy", match, "spec", "http", "1", "match", "0").Called("silver for " + app + " alone")
}

// halfAtGateway is a rule that gateways prefer to that of the applications: silver may
// have half of what it is sold.
func (h host) halfAtGateway() suite.Given {
	set := func(value any, path ...string) manifest.Edit {
		return manifest.SetField("DestinationRule", h.name(), value, path...)
	}
	return suite.Edited(h.fitted(suite.Apply("egress-priority/route/destination-rule.yaml")),
		set("istio-system", "metadata", "namespace"),
		set([]any{"."}, "spec", "exportTo"),
		set(silverLimit/2, "spec", "subsets", "1", "trafficPolicy", "connectionPool", "tcp", "maxConnections"))
}

// standing has a fixture of fixtures/egress-priority/sabotage stand, and waits until the
// sidecar of product has it: its name is in what that listens with.
func standing(before, name, field, fixture string) suite.Sabotage {
	return suite.Meddle(before, name, field, func(ctx context.Context, e *suite.Env) error {
		if err := e.Stand(ctx, []suite.Given{suite.Apply("egress-priority/sabotage/" + fixture + ".yaml")}); err != nil {
			return err
		}
		return configured("dynamic_listeners", fixture)(ctx, e)
	})
}

// configured waits until this part of what the sidecar of product is configured with has
// a text in it.
func configured(part, text string) suite.Deed {
	return suite.Until(suite.Configured(func(e *suite.Env) suite.Proxy { return e.Sidecar("bookinfo", product) }, part, text))
}

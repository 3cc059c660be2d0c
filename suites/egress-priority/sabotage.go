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

// exceeded has other callers ask past the mesh, whom no proxy holds back, while as many
// requests as may be are under way.
func (h host) exceeded(before, name, plan string) suite.Sabotage {
	const others = 5 // a limit that is kept for each worker may have room for one
	r := probe.GET("http://"+string(h)+"/ratings?delay="+delay.String()).WithHeader("plan-type", plan)
	r.Connect = "127.0.0.1:8080"
	return suite.BreakBefore(before, name, fieldMostUnderWay, suite.Func(func(ctx context.Context, e suite.Env) error {
		for _, o := range e.AskAllFrom(ctx, "world", "world", 0, slices.Repeat([]probe.Request{r}, others)...) {
			if err := expect.Status(200).Judge(o); err != nil {
				return err
			}
		}
		return nil
	}))
}

// routeTo is the part of a route that leads to a plan.
func (h host) routeTo(plan string) map[string]any {
	return map[string]any{"destination": map[string]any{"host": string(h), "subset": plan, "port": map[string]any{"number": 80}}}
}

// faulty injects a fault into the requests that have a query parameter, and into no other.
// All are served by one plan.
func (h host) faulty(plan, parameter string, fault map[string]any, field expect.Field) suite.Sabotage {
	route := []any{h.routeTo(plan)}
	asked := []any{map[string]any{"queryParams": map[string]any{parameter: map[string]any{"regex": ".+"}}}}
	return suite.Replace("VirtualService", h.name(), field,
		[]any{map[string]any{"match": asked, "fault": fault, "route": route}, map[string]any{"route": route}}, "spec", "http")
}

// slowed delays the requests whose time is measured, so that already the first is late.
func (h host) slowed(plan string) suite.Sabotage {
	late := map[string]any{"percentage": map[string]any{"value": 100}, "fixedDelay": (6 * delay).String()}
	return h.faulty(plan, "delay", map[string]any{"delay": late}, expect.TimeOfAnswerField(1)).Called("with a delay on the way")
}

// neverHeld refuses the requests that the server would hold.
func (h host) neverHeld(plan string) suite.Sabotage {
	refused := map[string]any{"percentage": map[string]any{"value": 100}, "httpStatus": http.StatusServiceUnavailable}
	return h.faulty(plan, "until", map[string]any{"abort": refused}, fieldUnderWay).Called("with a refusal on the way")
}

// servedAs has the place-th rule lead to another plan.
func (h host) servedAs(place, plan string, field expect.Field) suite.Sabotage {
	return suite.Replace("VirtualService", h.name(), field, plan, "spec", "http", place, "route", "0", "destination", "subset")
}

// relabelled serves silver as it should, and tells the service of another plan.
func (h host) relabelled(plan, as string) suite.Sabotage {
	to := h.routeTo(plan)
	to["headers"] = map[string]any{"request": map[string]any{"set": map[string]any{"plan-type": as}}}
	return suite.Replace("VirtualService", h.name(), expect.ReceivedHeaderField("plan-type"), to, "spec", "http", "1", "route", "0").Called(plan + " handed on as " + as)
}

// soldTo sells silver to one application only.
func (h host) soldTo(app string) suite.Sabotage {
	match := map[string]any{"headers": map[string]any{"plan-type": map[string]any{"exact": silver}}, "sourceLabels": map[string]any{"app": app}}
	return suite.Replace("VirtualService", h.name(), fieldConnections, match, "spec", "http", "1", "match", "0").Called("silver for " + app + " alone")
}

// halfAtGateway is a rule that gateways prefer to that of the applications: silver may
// have half of what it is sold.
func (h host) halfAtGateway() suite.Setup {
	set := func(value any, path ...string) manifest.Edit {
		return manifest.SetField("DestinationRule", h.name(), value, path...)
	}
	return suite.Edited(h.fitted(suite.Fixtures("egress-priority/route/destination-rule.yaml")),
		set("istio-system", "metadata", "namespace"),
		set([]any{"."}, "spec", "exportTo"),
		set(silverLimit/2, "spec", "subsets", "1", "trafficPolicy", "connectionPool", "tcp", "maxConnections"))
}

// withFilter applies an EnvoyFilter of fixtures/egress-priority/sabotage just before a step,
// and waits until the sidecar of product has it: its name is in the listeners.
func withFilter(before, name string, field expect.Field, fixture string) suite.Sabotage {
	return suite.BreakBefore(before, name, field, suite.Sequence(
		suite.Apply(suite.Fixtures("egress-priority/sabotage/"+fixture+".yaml")),
		suite.WaitFor(suite.InConfigDump(sidecar(), "dynamic_listeners", fixture))))
}

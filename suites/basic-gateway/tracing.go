package basicgateway

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strconv"

	"meshgate/fixtures"
	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
	"meshgate/framework/trace"
)

const (
	joinedHost = "mindful.example.com"   // an application that hands headers on
	brokenHost = "forgetful.example.com" // one that does not
)

// observedInTrace: a trace is as long as applications keep it. What the proxies do is
// the same on both hosts; only the application differs. Both applications are
// asked for nothing else, and not before they were told to send spans: of what a gateway asks
// for on a connection that it has opened before there would be none.
func observedInTrace() suite.Feature {
	const (
		answered = "one more request to each application is answered"
		descend  = "the calls of the application that hands headers on descend from the gateway's span"
		ofItsOwn = "the call of the application that hands nothing on is in a trace of its own"
	)
	once := func(host string) suite.Exchange {
		return suite.AskLate(func(suite.Env) probe.Request { return probe.GET("http://" + host + "/once?" + rand.Text()) }, expect.Status(200), expect.FromApp()).As(host)
	}
	return suite.Feature{
		Name:    "ObservedInTrace",
		Promise: "A sampled request is one trace from the gateway to the calls of an application that hands its headers on; calls of one that does not are traces of their own.",
		Spec:    spec,
		Alone:   true, // its Telemetry changes every listener of the gateway, which ends the connections that others hold
		Needs:   []mesh.Capability{mesh.Tracing},
		Setup:   []suite.Setup{traced},
		Steps: []suite.Step{
			suite.Programmed(),
			suite.Eventually("the gateway and both sidecars send spans", suite.That(sampling, expect.FieldStatus, spansOf("mindful", trace.Inbound), spansOf("forgetful", trace.Inbound), spansOfGateway)),
			suite.Now(answered, once(joinedHost), once(brokenHost)),
			suite.Eventually(descend, suite.That(joined, spansOf("mindful", trace.Inbound), spansOf("mindful", trace.Outbound), spansOfGateway)),
			suite.Eventually(ofItsOwn, suite.That(apart, fieldTraceOfCall)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Telemetry", "trace-gateway", spansOfGateway),
			suite.Withhold("Telemetry", "trace-mindful", spansOf("mindful", trace.Inbound)),
			suite.Withhold("Telemetry", "trace-forgetful", spansOf("forgetful", trace.Inbound)),
			suite.Replace("Service", "forgetful", fieldTraceOfCall, "v2", "spec", "selector", "version").Called("a version that hands headers on").
				WithExtra(suite.Fixtures("basic-gateway/sabotage/forgetful-v2.yaml")).At(ofItsOwn),
			suite.Withhold("VirtualService", "trace-mindful", expect.FieldStatus),
			suite.Replace("VirtualService", "trace-mindful", expect.FieldStatus,
				map[string]any{"match": prefixMatch("/again"), "route": routeTo("mindful")}, "spec", "http", "0").Called("a route for what is asked first alone").At(answered),
			suite.Replace("VirtualService", "trace-mindful", spansOf("mindful", trace.Inbound),
				[]any{map[string]any{"match": prefixMatch("/again"), "route": routeTo("mindful")}, map[string]any{"route": routeTo("forgetful")}}, "spec", "http").
				Called("what is asked then goes to the application that hands nothing on").At(descend),
		},
	}
}

// The fields of this feature.
const (
	fieldTraceOfCall expect.Field = "trace of the call"
	spansOfGateway   expect.Field = "spans of the gateway"
)

// spansOf is the field of the spans that an application's sidecar sends.
func spansOf(app, direction string) expect.Field {
	return spans(trace.Proxy{Workload: app, Direction: direction})
}

func spans(p trace.Proxy) expect.Field { return expect.Field("spans of " + p.String()) }

// traced is the fixtures, with the Telemetry fitted to the gateway's pods as every
// Gateway is.
func traced(e suite.Env) (manifest.Set, error) {
	set, err := manifest.Load(fixtures.FS, "basic-gateway/observed-in-trace/*.yaml")
	if err != nil {
		return set, err
	}
	return set.With(manifest.SetField("Telemetry", "trace-gateway", e.Mesh().Ingress.Selector, "spec", "selector", "matchLabels"))
}

func gatewayOf(e suite.Env) trace.Proxy {
	return trace.Proxy{Gateway: true, Namespace: e.Mesh().Ingress.Namespace}
}

func sidecarOf(e suite.Env, app, direction string) trace.Proxy {
	return trace.Proxy{Namespace: e.Namespace("bookinfo"), Workload: app, Direction: direction}
}

// handful is of how many spans each thread of a proxy waits for before it sends them; less
// it sends after five seconds. Gateway and sidecars here have two threads.
const handful = 5

// sampling asks until each proxy on the way was told to send spans.
func sampling(ctx context.Context, e suite.Env) error {
	if err := hurry(ctx, e); err != nil {
		return err
	}
	return errors.Join(
		sampled(ctx, e, again(e, joinedHost), gatewayOf(e), sidecarOf(e, "mindful", trace.Inbound)),
		sampled(ctx, e, again(e, brokenHost), gatewayOf(e), sidecarOf(e, "forgetful", trace.Inbound)))
}

// hurry asks both applications often enough for the proxies on the way to send at once the
// spans that they have.
func hurry(ctx context.Context, e suite.Env) error {
	for range 2 * handful {
		for _, host := range []string{joinedHost, brokenHost} {
			o := e.Ask(ctx, probe.GET(again(e, host)))
			if err := expect.All(expect.Status(200), expect.FromApp()).Judge(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// again is what is asked for often.
func again(e suite.Env, host string) string { return "http://" + host + "/again?in=" + e.ID() }

// sampled judges that each proxy sent a span of what was asked for.
func sampled(ctx context.Context, e suite.Env, url string, proxies ...trace.Proxy) error {
	traces, err := tracesBy(ctx, e, "http.url", url)
	if err != nil {
		return err
	}
	return sent(slices.Concat(traces...), proxies...)
}

// sent judges that each proxy sent a span.
func sent(t trace.Trace, proxies ...trace.Proxy) error {
	for _, p := range proxies {
		if len(t.From(p)) == 0 {
			return &expect.Mismatch{Field: spans(p), Want: "one or more", Got: t.Senders()}
		}
	}
	return nil
}

// chain judges that each proxy sent spans, and that every one of them descends from
// one of the proxy before it.
func chain(t trace.Trace, proxies ...trace.Proxy) error {
	if err := sent(t, proxies...); err != nil {
		return err
	}
	for i, p := range proxies[1:] {
		for _, s := range t.From(p) {
			if !t.Descends(s, t.From(proxies[i])) {
				return &expect.Mismatch{Field: expect.Field("ancestors of " + p.String()), Want: proxies[i].String(), Got: "span " + s.ID + " with parent " + s.ParentID + ", of " + t.Senders()}
			}
		}
	}
	return nil
}

// joined judges the trace of the request whose application hands its headers on.
func joined(ctx context.Context, e suite.Env) error {
	if err := hurry(ctx, e); err != nil {
		return err
	}
	o, err := e.Exchanged(joinedHost)
	if err != nil {
		return err
	}
	t, err := traceOf(ctx, e, o)
	if err != nil {
		return err
	}
	return chain(t, gatewayOf(e), sidecarOf(e, "mindful", trace.Inbound), sidecarOf(e, "mindful", trace.Outbound))
}

// apart judges both traces of the request whose application hands nothing on.
func apart(ctx context.Context, e suite.Env) error {
	o, err := e.Exchanged(brokenHost)
	if err != nil {
		return err
	}
	outside, err := traceOf(ctx, e, o)
	if err != nil {
		return err
	}
	if err := chain(outside, gatewayOf(e), sidecarOf(e, "forgetful", trace.Inbound)); err != nil {
		return err
	}
	u, err := url.Parse(o.Request.URL)
	if err != nil {
		return suite.Infrastructure(err)
	}
	call, err := oneTrace(ctx, e, "http.url", "http://my-app:8080"+u.RequestURI())
	if err != nil {
		return err
	}
	if err := sent(call, sidecarOf(e, "forgetful", trace.Outbound)); err != nil {
		return err
	}
	if call[0].TraceID == outside[0].TraceID {
		return &expect.Mismatch{Field: fieldTraceOfCall, Want: "another than " + outside[0].TraceID, Got: call[0].TraceID}
	}
	return nil
}

// traceOf finds a request by its user agent, in which the probe has its ID: what the
// client sends as the request's ID an edge gateway replaces.
func traceOf(ctx context.Context, e suite.Env, o probe.Observation) (trace.Trace, error) {
	return oneTrace(ctx, e, "user_agent", probe.UserAgentOf(o.RequestID))
}

func oneTrace(ctx context.Context, e suite.Env, tag, value string) (trace.Trace, error) {
	traces, err := tracesBy(ctx, e, tag, value)
	if err == nil && len(traces) != 1 {
		err = &expect.Mismatch{Field: expect.Field("traces with " + tag + " " + value), Want: "1", Got: strconv.Itoa(len(traces))}
	}
	if err != nil {
		return nil, err
	}
	return traces[0], nil
}

// tracesBy asks the collector, from inside its own pod.
func tracesBy(ctx context.Context, e suite.Env, tag, value string) ([]trace.Trace, error) {
	from, err := e.Inside(ctx, "istio-system", mesh.TracingProvider)
	if err != nil {
		return nil, err
	}
	o := from.Do(ctx, probe.Request{
		URL:       "http://127.0.0.1:" + strconv.Itoa(mesh.TracingPort) + "/api/v2/traces?annotationQuery=" + url.QueryEscape(tag+"="+value),
		Timeout:   e.Budget().Probe,
		BodyLimit: 8 << 20,
	})
	if err := expect.Status(200).Judge(o); err != nil {
		return nil, suite.Infrastructure(err)
	}
	traces, err := trace.Parse(o.Body)
	return traces, suite.Infrastructure(err)
}

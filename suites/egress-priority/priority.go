package egresspriority

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// named is what a request says of its plan, and which subset may serve it for that. The
// match is exact, and whoever names no plan that is sold gets bronze.
type named struct {
	says   string
	values []string
	served []string
}

// Of a repeated header Envoy looked at the first value until 1.15, then at all of them
// joined by a comma, and looks at each by now: it is gold or nothing that is sold.
var plans = []named{
	{"gold", []string{gold}, []string{gold}},
	{"silver", []string{silver}, []string{silver}},
	{"bronze", []string{bronze}, []string{bronze}},
	{"none", nil, []string{bronze}},
	{"an unknown one", []string{"platinum"}, []string{bronze}},
	{"upper case", []string{"GOLD"}, []string{bronze}},
	{"two of them", []string{gold, silver}, []string{gold, bronze}},
	{"an endless one", []string{strings.Repeat("gold", 4<<10)}, []string{bronze}},
}

// priorityByHeader also asserts that the application hands the header on: it is the only
// one who can.
func priorityByHeader() suite.Feature {
	const h = host("priority-by-header.rating.example.com")
	var seen []probe.Observation
	read := suite.Becomes("whatever a request says of its plan, it is served, and the service reads the same", func(ctx context.Context, e *suite.Env) error {
		seen = e.AskAllFrom(ctx, "bookinfo", product, 0, h.saying(plans)...)
		for i, o := range seen {
			if err := expect.All(expect.Status(200), handedOn(plans[i].values))(o); err != nil {
				return fmt.Errorf("%s: %w", plans[i].says, err)
			}
		}
		return nil
	})
	logged := suite.Becomes("the log says by which plan: gold and silver by theirs, what is not sold by bronze", func(ctx context.Context, e *suite.Env) error {
		lines, err := e.Sidecar("bookinfo", product).Lines(ctx)
		if err != nil {
			return err
		}
		for i, o := range seen {
			if err := expect.ExactlyOne(lines, suite.Of(o), expect.ClusterIn(h.clusters(plans[i].served)...), expect.AuthorityIs(string(h)), expect.StatusIs(200)); err != nil {
				return fmt.Errorf("%s: %w", plans[i].says, err)
			}
		}
		return nil
	})
	refused := suite.Now("a value that no header may have is refused by the sidecar", suite.AskLate(h.hostile, expect.Status(http.StatusBadRequest)).From("bookinfo", product))
	sold := func(as map[string]any) suite.Sabotage {
		return suite.Replace("VirtualService", h.name(), "log upstream cluster", as, "spec", "http", "0", "match", "0", "headers", "plan-type").At(logged.Name)
	}
	return suite.Feature{
		Name:    "PriorityByHeader",
		Promise: "The value of plan-type, and nothing like it, decides which plan serves a request.",
		Spec:    spec,
		Given:   []suite.Given{h.way()},
		Then: []suite.Step{
			h.served(product, gold), // the routes come all at once
			read,
			logged,
			refused,
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", h.name(), "connections of the proxy"),
			suite.Withhold("ServiceEntry", h.name(), "status"),
			h.relabelled(silver, gold).At(read.Name),
			sold(map[string]any{"regex": "(?i)gold"}),
			sold(map[string]any{"prefix": "gold"}),
			h.servedAs("1", gold, "log upstream cluster").At(logged.Name),
			standing(refused.Name, "with another answer to bad requests", "status", "bad-request-not-found"),
		},
	}
}

func (h host) clusters(plans []string) []string {
	var all []string
	for _, p := range plans {
		all = append(all, h.cluster(p))
	}
	return all
}

func (h host) saying(all []named) []probe.Request {
	var requests []probe.Request
	for _, p := range all {
		r := h.ask("", "")
		if p.values != nil {
			r.Header["plan-type"] = p.values
		}
		requests = append(requests, r)
	}
	return requests
}

func handedOn(values []string) expect.Check {
	if values == nil {
		return expect.EchoNoHeader("plan-type")
	}
	return expect.EchoHeader("plan-type", strings.Join(values, ", "))
}

// hostile goes to the service directly: the application's own HTTP library would refuse to
// read it.
func (h host) hostile(e *suite.Env) probe.Request {
	r := probe.GET("http://" + string(h) + "/ratings")
	r.Connect = net.JoinHostPort("world."+e.Namespace("world")+".svc.cluster.local", "80")
	r.Header, r.RawHeader = http.Header{"plan-type": {"gold\x01"}}, true
	return r
}

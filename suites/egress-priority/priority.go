package egresspriority

import (
	"net"
	"net/http"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// named is a value of plan-type, and which subsets may serve a request with it. The match is
// exact, and a request with any other value is served by bronze.
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

// priorityByHeader also asserts that the application hands the header on, which only the
// application can do.
func priorityByHeader() suite.Feature {
	const h = host("priority-by-header.rating.example.com")
	const (
		read    = "every request is served, and the service reads the same plan-type"
		logged  = "the log says that gold and silver were served by their own plans, and any other value by bronze"
		refused = "a value that no header may have is refused by the sidecar"
	)
	otherMatch := func(match map[string]any) suite.Sabotage {
		return suite.Replace("VirtualService", h.name(), expect.FieldLogUpstreamCluster, match, "spec", "http", "0", "match", "0", "headers", "plan-type").At(logged)
	}
	return suite.Feature{
		Name:    "PriorityByHeader",
		Promise: "The value of plan-type, and nothing like it, decides which plan serves a request.",
		Spec:    spec,
		Setup:   []suite.Setup{h.objects()},
		Steps: []suite.Step{
			h.served(product, gold), // the routes come all at once
			suite.Eventually(read, h.allServed()...),
			suite.Eventually(logged, h.allLogged()...),
			suite.Now(refused, suite.AskLate(h.hostile, expect.Status(http.StatusBadRequest)).From("bookinfo", product)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", h.name(), fieldConnections),
			suite.Withhold("ServiceEntry", h.name(), expect.FieldStatus),
			h.relabelled(silver, gold).At(read),
			otherMatch(map[string]any{"regex": "(?i)gold"}),
			otherMatch(map[string]any{"prefix": "gold"}),
			h.servedAs("1", gold, expect.FieldLogUpstreamCluster).At(logged),
			withFilter(refused, "with another answer to bad requests", expect.FieldStatus, "bad-request-not-found"),
		},
	}
}

// allServed are the requests of all these values, each with a name.
func (h host) allServed() []suite.Condition {
	var all []suite.Condition
	for _, p := range plans {
		r := h.ask("", "")
		if p.values != nil {
			r.Header["plan-type"] = p.values
		}
		all = append(all, suite.Ask(r, expect.Status(200), handedOn(p.values)).From("bookinfo", product).As(p.says))
	}
	return all
}

// allLogged are the sidecar's lines of these requests.
func (h host) allLogged() []suite.Condition {
	var all []suite.Condition
	for _, p := range plans {
		all = append(all, suite.LineOf(p.says, sidecar(), expect.ClusterIn(h.clusters(p.served)...), expect.AuthorityIs(string(h)), expect.StatusIs(200)))
	}
	return all
}

func (h host) clusters(plans []string) []string {
	var all []string
	for _, p := range plans {
		all = append(all, h.cluster(p))
	}
	return all
}

func handedOn(values []string) expect.Check {
	if values == nil {
		return expect.EchoNoHeader("plan-type")
	}
	return expect.EchoHeader("plan-type", strings.Join(values, ", "))
}

// hostile goes to the service directly: the application's own HTTP library would refuse to
// read it.
func (h host) hostile(e suite.Env) probe.Request {
	r := probe.GET("http://" + string(h) + "/ratings")
	r.Connect = net.JoinHostPort("world."+e.Namespace("world")+".svc.cluster.local", "80")
	r.Header, r.RawHeader = http.Header{"plan-type": {"gold\x01"}}, true
	return r
}

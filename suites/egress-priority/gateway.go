package egresspriority

import (
	"context"
	"fmt"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/suite"
)

const egressGateway = "egressgateway" // the shared one

// limitsAtTheGateway: a limit that every application's proxy keeps for itself grows with
// the applications; one that the egress gateway keeps does not.
func limitsAtTheGateway() suite.Feature {
	const h, callers = host("limits-at-the-gateway.rating.example.com"), 25
	const (
		each          = "40 requests of silver are under way, 20 of each application"
		eachAnswered  = "all callers are served once released, and each application never had more than 20 under way"
		fromGateway   = "the gateway is the client that the service sees"
		together      = "20 requests of silver are under way, and the others wait at the gateway"
		allAnsweredBy = "all callers are served once released, and the gateway never had more than it may under way"
	)
	own := []*suite.Crowd{h.crowd(product, silver, callers), h.crowd(productB, silver, callers)}
	shared := []*suite.Crowd{h.crowd(product, silver, callers), h.crowd(productB, silver, callers)}
	return suite.Feature{
		Name:    "LimitsAtTheGateway",
		Promise: "Limits that each proxy keeps add up over the pods; at the egress gateway they hold for all pods together.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.EgressGateway},
		Setup:   []suite.Setup{h.objects(), h.gateway("gateway.yaml")},
		Steps: []suite.Step{
			h.resetCounts(),
			h.served(product, silver),
			h.served(productB, silver),
			suite.Do(fmt.Sprintf("%d callers of each application ask for silver at once", callers), suite.AskTogether(own...)),
			suite.Eventually(each, suite.All(
				h.underWay(product, silver, 2*silverLimit, silverLimit, callers-silverLimit),
				h.underWay(productB, silver, 2*silverLimit, silverLimit, callers-silverLimit))),
			suite.Now(eachAnswered, h.allAnswered(silver, exactly(2*silverLimit), own...)),
			suite.Do("the route leads through the egress gateway", suite.Apply(h.throughGateway)),
			suite.Eventually(fromGateway, h.throughGatewayFrom(product), h.throughGatewayFrom(productB)),
			suite.Do("the server's counts are reset once more", suite.ResetCounts(world(), counts, string(h))),
			suite.Do("as many callers ask again", suite.AskTogether(shared...)),
			suite.Eventually(together, h.atGateway(callers)),
			suite.Now(allAnsweredBy, h.allAnswered(silver, gatewayMost, shared...)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", h.name(), fieldConnections),
			h.soldTo(product).At(servedStep(productB, silver)),
			h.limitOf("1", 10).At(each),
			h.exceeded(eachAnswered, "with callers past the sidecars", silver),
			suite.Withhold("Gateway", h.name()+"-egress", expect.FieldStatus).At(fromGateway),
			suite.AddObject("half of it at the gateway", fieldUnderWay, h.halfAtGateway()).At(together),
			h.exceeded(allAnsweredBy, "with callers past the gateway", silver),
		},
	}
}

// gateway is a fixture of the choice of plans at the egress gateway.
func (h host) gateway(file string) suite.Setup {
	s := suite.Edited(suite.Fixtures("egress-priority/limits-at-the-gateway/"+file), manifest.Rename(map[string]string{"rating-egress": h.name() + "-egress"}))
	if file == "gateway.yaml" {
		return suite.Edited(s, manifest.Hosts(map[string]string{"rating.example.com": string(h)}))
	}
	return h.fitted(s)
}

// throughGateway is the same choice as the sidecars had, for all applications at once.
func (h host) throughGateway(e suite.Env) (manifest.Set, error) {
	return suite.Edited(h.gateway("virtual-service.yaml"),
		manifest.SetField("VirtualService", h.name(), e.Gateway(egressGateway).Service(), "spec", "http", "0", "route", "0", "destination", "host"))(e)
}

// throughGatewayFrom asks for silver from an application, and wants the service to see the
// gateway as its client.
func (h host) throughGatewayFrom(app string) suite.Exchange {
	return h.from(app, silver, expect.Status(200)).ReceivedFrom(suite.GatewayProxy(egressGateway))
}

// atGateway: both sidecars have sent on all requests that they got, so that those which do
// not arrive wait at the gateway.
func (h host) atGateway(callers int) suite.Condition {
	toGateway := func(e suite.Env) string { return "outbound|80||" + e.Gateway(egressGateway).Service() }
	sent := func(app string) suite.Condition {
		return suite.UpstreamTotal(fieldSentToGateway, suite.Sidecar("bookinfo", app), toGateway, func(u mesh.Upstream) int { return u.Active }, callers)
	}
	return suite.All(suite.UnderWay(fieldUnderWay, world(), counts, string(h), silver, silverLimit, gatewayMost), sent(product), sent(productB))
}

// gatewayMost is the limit that the gateway keeps, for each of its pods: exact with one
// worker, and with more there may be one more for each.
func gatewayMost(ctx context.Context, e suite.Env) (int, error) {
	gateway := e.Through(egressGateway)
	workers, err := gateway.Workers(ctx)
	if err != nil {
		return 0, err
	}
	pods, err := gateway.Addresses(ctx)
	return len(pods) * (silverLimit + workers - 1), err
}

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
	var own, shared [2]*crowd
	for i, app := range []string{product, productB} {
		own[i] = &crowd{host: h, app: app, plan: silver, callers: callers}
		shared[i] = &crowd{host: h, app: app, plan: silver, callers: callers}
	}
	ofB := h.served(productB, silver)
	each := suite.Becomes(fmt.Sprintf("%d are under way, %d of each", 2*silverLimit, silverLimit), func(ctx context.Context, e *suite.Env) error {
		for _, c := range own {
			if err := h.under(ctx, e, c.app, silver, 2*silverLimit, silverLimit, callers-silverLimit); err != nil {
				return err
			}
		}
		return nil
	})
	eachAnswered := allAnswered(2*silverLimit, own[:]...)
	seen := suite.Becomes("then it is the gateway that the service sees", h.seenFromGateway)
	together := suite.Becomes(fmt.Sprintf("%d are under way, and the others wait at the gateway", silverLimit), func(ctx context.Context, e *suite.Env) error {
		return h.atGateway(ctx, e, callers)
	})
	allServed := servedOver("let go, all are served, and there were never more than the gateway may have", shared[:], gatewayMost)
	return suite.Feature{
		Name:    "LimitsAtTheGateway",
		Promise: "Limits that each proxy keeps add up over the pods; at the egress gateway they hold for all pods together.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.EgressGateway},
		Given:   []suite.Given{h.way(), h.gateway("gateway.yaml")},
		Then: []suite.Step{
			h.fresh(),
			h.served(product, silver),
			ofB,
			suite.Do(fmt.Sprintf("%d callers of each application ask for silver at once", callers), begin(own[:])),
			each,
			eachAnswered,
			suite.Do("the way is made to lead through the egress gateway", func(ctx context.Context, e *suite.Env) error {
				return e.Stand(ctx, []suite.Given{h.throughGateway})
			}),
			seen,
			suite.Do("the server's counts begin anew once more", h.forget),
			suite.Do("as many callers ask again", begin(shared[:])),
			together,
			allServed,
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", h.name(), "connections of the proxy"),
			h.soldTo(product).At(ofB.Name),
			h.limitOf("1", 10).At(each.Name),
			h.exceeded(eachAnswered.Name, "with callers past the sidecars", silver),
			suite.Withhold("Gateway", h.name()+"-egress", "status").At(seen.Name),
			suite.Besides("half of it at the gateway", "requests under way", h.halfAtGateway()).At(together.Name),
			h.exceeded(allServed.Name, "with callers past the gateway", silver),
		},
	}
}

func begin(crowds []*crowd) func(context.Context, *suite.Env) error {
	return func(ctx context.Context, e *suite.Env) error {
		for _, c := range crowds {
			if err := c.begin(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}
}

// gateway is a fixture of the choice of plans at the egress gateway.
func (h host) gateway(file string) suite.Given {
	g := suite.Edited(suite.Apply("egress-priority/limits-at-the-gateway/"+file), manifest.Rename(map[string]string{"rating-egress": h.name() + "-egress"}))
	if file == "gateway.yaml" {
		return suite.Edited(g, manifest.Hosts(map[string]string{"rating.example.com": string(h)}))
	}
	return h.fitted(g)
}

// throughGateway is the same choice as the sidecars had, for all applications at once.
func (h host) throughGateway(e *suite.Env) (manifest.Set, error) {
	return suite.Edited(h.gateway("virtual-service.yaml"),
		manifest.SetField("VirtualService", h.name(), e.Gateway(egressGateway).Service(), "spec", "http", "0", "route", "0", "destination", "host"))(e)
}

func (h host) seenFromGateway(ctx context.Context, e *suite.Env) error {
	gateway, err := e.Through(egressGateway).Addresses(ctx)
	if err != nil {
		return err
	}
	for _, app := range []string{product, productB} {
		if err := expect.All(expect.Status(200), expect.EchoFrom(gateway...))(e.AskFrom(ctx, "bookinfo", app, h.ask(silver, ""))); err != nil {
			return err
		}
	}
	return nil
}

// atGateway: both sidecars have sent on all that they got, so what does not arrive waits
// at the gateway.
func (h host) atGateway(ctx context.Context, e *suite.Env, callers int) error {
	seen, err := h.counted(ctx, e, silver)
	if err != nil {
		return err
	}
	most, err := gatewayMost(ctx, e)
	if err != nil {
		return err
	}
	if seen.Now < silverLimit || seen.Now > most {
		return &expect.Mismatch{Field: "requests under way", Want: between(silverLimit, most), Got: fmt.Sprint(seen.Now)}
	}
	for _, app := range []string{product, productB} {
		sent, err := e.Sidecar("bookinfo", app).Upstreams(ctx, "outbound|80||"+e.Gateway(egressGateway).Service())
		if err != nil {
			return err
		}
		if err := differ("requests that the sidecar has sent to the gateway", callers, mesh.Sum(sent).Active); err != nil {
			return err
		}
	}
	return nil
}

// gatewayMost is the limit that the gateway keeps, for each of its pods: exact with one
// worker, and with more there may be one more for each.
func gatewayMost(ctx context.Context, e *suite.Env) (int, error) {
	gateway := e.Through(egressGateway)
	workers, err := gateway.Workers(ctx)
	if err != nil {
		return 0, err
	}
	pods, err := gateway.Addresses(ctx)
	return len(pods) * (silverLimit + workers - 1), err
}

func between(least, most int) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

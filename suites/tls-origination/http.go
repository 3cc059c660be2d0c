package tlsorigination

import (
	"context"
	"net"
	"net/http"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// fromGateway: the server sees the gateway's address and not the application's.
func fromGateway(sni string) func(context.Context, *suite.Env) (expect.Check, error) {
	return func(ctx context.Context, e *suite.Env) (expect.Check, error) {
		ips, err := atGateway(e).Addresses(ctx)
		return expect.All(overTLS(sni), expect.EchoFrom(ips...), expect.EchoNoClientCert()), err
	}
}

func httpOriginated(w *outside) suite.Feature {
	const credential = "secure-ca"
	var file, secret exchange
	first, second := w.hops(&file, "")
	inTheClear := suite.Now("the gateway takes it from nobody but the mesh: not in the clear", w.pastSidecar("http", expect.Severed()))
	unproven := suite.Now("nor over TLS without a certificate of the mesh", w.pastSidecar("https", expect.FailedWith(probe.ClassTLSAlert, probe.ClassClosed, probe.ClassReset)))
	asked := file.asked("a plain request reaches the host over TLS, from the gateway", w.plain(secure), fromGateway(secure))
	again := secret.asked("then it is reached as before", w.plain(secure), fromGateway(secure))
	firstAgain, secondAgain := w.hops(&secret, ", by credentialName")
	return suite.Feature{
		Name:    "HTTPOriginated",
		Promise: "A request in the clear reaches the host over TLS from the egress gateway, and up to there over the mesh's own TLS.",
		Spec:    spec,
		Given: []suite.Given{
			suite.CACredential(gateway, credential, func(e *suite.Env) string { return e.CA.PEM() }),
			way(secure),
		},
		Then: []suite.Step{
			asked,
			first,
			second,
			inTheClear,
			unproven,
			suite.Do("the CA comes by credentialName instead of a file", func(ctx context.Context, e *suite.Env) error {
				return e.Stand(ctx, []suite.Given{way(secure, byCredential(secure, credential, nil))})
			}),
			again,
			firstAgain,
			secondAgain,
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("DestinationRule", "secure", "status"),
			suite.Withhold("Gateway", "secure", "status"),
			suite.Withhold("VirtualService", "secure", "received TLS version"),
			suite.Replace("DestinationRule", "secure", "status", "other.example.com", tlsField("sni")...),
			suite.Replace("DestinationRule", "secure", "status", "DISABLE", tlsField("mode")...),
			renamed(asked.Name, "by another subset", secureWay).At(first.Name),
			suite.Replace("ServiceEntry", "secure-for-gateway", "log upstream host", otherPort(), "spec", "ports", "0").Called("by another port of the host").At(second.Name),
			standing(inTheClear.Name, "with a gateway that takes it in the clear", "taken-in-the-clear"),
			standing(unproven.Name, "with a gateway that demands no certificate", "taken-without-certificate"),
			w.meanwhile(again.Name, "with a credential of another authority", "status", suite.Standing(trust(credential, func(*suite.Env) string { return w.other.PEM() })),
				w.plain(secure), expect.Status(http.StatusServiceUnavailable)),
			renamed(again.Name, "by another subset, with credentialName", secureWay).At(firstAgain.Name),
			suite.Meddle(again.Name, "by another port of the host, with credentialName", "log upstream host", w.byOtherPort).At(secondAgain.Name),
		},
	}
}

// hops are what the logs of both proxies say of an exchange.
func (w *outside) hops(x *exchange, by string) (first, second suite.Step) {
	first = x.logged("the sidecar sent it to the gateway"+by, sidecar, func(e *suite.Env) []expect.LineCheck {
		return []expect.LineCheck{expect.StatusIs(200), expect.ClusterIs("outbound|80|" + nameOf(secure) + "|" + e.Gateway(gateway).Service())}
	})
	second = x.logged("and the gateway to the host's TLS port"+by, atGateway, func(e *suite.Env) []expect.LineCheck {
		return []expect.LineCheck{expect.StatusIs(200), expect.ClusterIs("outbound|443||" + secure), expect.AuthorityIs(secure),
			expect.SNIIs(secure), expect.UpstreamHostIs(net.JoinHostPort(w.world, "443"))}
	})
	return first, second
}

// pastSidecar asks the gateway from a pod that has no sidecar.
func (w *outside) pastSidecar(scheme string, refused expect.Check) suite.Exchange {
	return suite.AskLate(func(e *suite.Env) probe.Request {
		r := probe.GET(scheme + "://" + secure + "/")
		r.Connect = net.JoinHostPort(e.Gateway(gateway).Service(), "80")
		r.TLS.SkipVerify = true
		return r
	}, refused).From("bookinfo", "outsider")
}

// noBypass: what the gateway is for cannot be had without it.
func noBypass(w *outside) suite.Feature {
	direct := func(port string) func(*suite.Env) probe.Request {
		return func(*suite.Env) probe.Request {
			r := probe.GET("https://" + guarded + ":" + port + "/")
			r.Connect = net.JoinHostPort(w.world, port)
			return r
		}
	}
	var x exchange
	var refusal probe.Observation
	closed := suite.Holds("its TLS port is closed to the application", func(ctx context.Context, e *suite.Env) error {
		refusal = e.AskFrom(ctx, "bookinfo", "agent", direct("443")(e))
		return expect.Severed()(refusal)
	})
	staysClosed := suite.Stay("and stays closed", fromAgent(direct("443"), expect.Unanswered()))
	unknown := suite.Becomes("because the mesh does not know it", func(ctx context.Context, e *suite.Env) error {
		lines, err := sidecar(e).Lines(ctx)
		if err != nil {
			return err
		}
		return expect.ExactlyOne(lines, expect.ConnectionIs(refusal.Local, refusal.Remote), expect.ClusterIs("BlackHoleCluster"), expect.FlagsAre("UH"))
	})
	opens := suite.Set("ServiceEntry", nameOf(guarded), bothPorts(), "spec", "ports")
	arrives := x.asked("what goes to its plain port arrives over TLS, from the gateway", w.plain(guarded), fromGateway(guarded))
	unreached := suite.Eventually("then nothing is reached by the plain port either", fromAgent(w.plain(guarded), expect.Status(502)))
	return suite.Feature{
		Name:    "NoBypass",
		Promise: "The application cannot reach the host itself: neither its TLS port, nor in the clear.",
		Spec:    spec,
		Given:   []suite.Given{way(guarded)},
		Then: []suite.Step{
			suite.Control("the host is reached through the gateway", fromAgent(w.plain(guarded), overTLS(guarded))),
			closed,
			staysClosed,
			unknown,
			arrives,
			suite.Do("the route to the gateway is withdrawn", func(ctx context.Context, e *suite.Env) error {
				if err := e.Withdraw(ctx, "VirtualService", nameOf(guarded)); err != nil {
					return err
				}
				return e.Withdraw(ctx, "ServiceEntry", nameOf(guarded))
			}),
			unreached,
		},
		Sabotage: []suite.Sabotage{
			w.meanwhile(closed.Name, "with a TLS port that is open", "failure", opens, direct("443"), expect.Status(200)),
			w.meanwhile(staysClosed.Name, "with a TLS port that opens", "failure", opens, direct("443"), expect.Status(200)),
			suite.Meddle(closed.Name, "with a TLS port that is known, where nobody listens", "log upstream cluster",
				suite.After(suite.Set("ServiceEntry", nameOf(guarded), nowhere(guarded), "spec"), suite.Leads("bookinfo", "agent", direct("443"), expect.ClusterIs("outbound|443||"+guarded)))).At(unknown.Name),
			w.meanwhile(arrives.Name, "without the route to the gateway", "received source address", func(ctx context.Context, e *suite.Env) error {
				return e.Withdraw(ctx, "VirtualService", nameOf(guarded))
			}, w.plain(guarded), expect.EchoPlain()),
			w.meanwhile(unreached.Name, "with all made again", "status", suite.Standing(way(guarded)), w.plain(guarded), overTLS(guarded)),
		},
	}
}

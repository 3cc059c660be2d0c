package tlsorigination

import (
	"context"
	"net"

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
	hops := func(x *exchange, by string) []suite.Step {
		return []suite.Step{
			x.logged("the sidecar sent it to the gateway"+by, sidecar, func(e *suite.Env) []expect.LineCheck {
				return []expect.LineCheck{expect.StatusIs(200), expect.ClusterIs("outbound|80|" + nameOf(secure) + "|" + e.Gateway(gateway).Service())}
			}),
			x.logged("and the gateway to the host's TLS port"+by, atGateway, func(e *suite.Env) []expect.LineCheck {
				return []expect.LineCheck{expect.StatusIs(200), expect.ClusterIs("outbound|443||" + secure), expect.AuthorityIs(secure),
					expect.SNIIs(secure), expect.UpstreamHostIs(net.JoinHostPort(w.world, "443"))}
			}),
		}
	}
	then := []suite.Step{
		file.asked("a plain request reaches the host over TLS, from the gateway", w.plain(secure), fromGateway(secure)),
	}
	then = append(then, hops(&file, "")...)
	then = append(then,
		suite.Now("the gateway takes it from nobody but the mesh: not in the clear", w.pastSidecar("http", expect.Severed())),
		suite.Now("nor over TLS without a certificate of the mesh", w.pastSidecar("https", expect.FailedWith(probe.ClassTLSAlert, probe.ClassClosed, probe.ClassReset))),
		suite.Do("the CA comes by credentialName instead of a file", func(ctx context.Context, e *suite.Env) error {
			return e.Stand(ctx, []suite.Given{way(secure, byCredential(secure, credential, nil))})
		}),
		secret.asked("then it is reached as before", w.plain(secure), fromGateway(secure)))
	then = append(then, hops(&secret, ", by credentialName")...)
	return suite.Feature{
		Name:    "HTTPOriginated",
		Promise: "A request in the clear reaches the host over TLS from the egress gateway, and up to there over the mesh's own TLS.",
		Spec:    spec,
		Given: []suite.Given{
			suite.CACredential(gateway, credential, func(e *suite.Env) string { return e.CA.PEM() }),
			way(secure),
		},
		Then: then,
		Sabotage: []suite.Sabotage{
			suite.Withhold("DestinationRule", "secure", "status"),
			suite.Withhold("Gateway", "secure", "status"),
			suite.Withhold("VirtualService", "secure", "received TLS version"),
			suite.Replace("DestinationRule", "secure", "status", "other.example.com", tlsField("sni")...),
			suite.Replace("DestinationRule", "secure", "status", "DISABLE", tlsField("mode")...),
		},
	}
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
	return suite.Feature{
		Name:    "NoBypass",
		Promise: "The application cannot reach the host itself: neither its TLS port, nor in the clear.",
		Spec:    spec,
		Given:   []suite.Given{way(guarded)},
		Then: []suite.Step{
			suite.Control("the host is reached through the gateway", fromAgent(w.plain(guarded), overTLS(guarded))),
			suite.Now("its TLS port is closed to the application", fromAgent(direct("443"), expect.Severed())),
			suite.Stay("and stays closed", fromAgent(direct("443"), expect.Severed())),
			suite.Becomes("because the mesh does not know it", func(ctx context.Context, e *suite.Env) error {
				return sidecar(e).Says(ctx, expect.ClusterIs("BlackHoleCluster"), expect.FlagsAre("UH"), expect.DownstreamPortIs(443))
			}),
			x.asked("what goes to its plain port arrives over TLS, from the gateway", w.plain(guarded), fromGateway(guarded)),
			suite.Do("the route to the gateway is withdrawn", func(ctx context.Context, e *suite.Env) error {
				if err := e.Withdraw(ctx, "VirtualService", nameOf(guarded)); err != nil {
					return err
				}
				return e.Withdraw(ctx, "ServiceEntry", nameOf(guarded))
			}),
			suite.Eventually("then nothing is reached by the plain port either", fromAgent(w.plain(guarded), expect.Status(502))),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("ServiceEntry", nameOf(guarded), "failure", []any{map[string]any{"number": 443, "name": "https", "protocol": "HTTPS"}, map[string]any{"number": 80, "name": "http", "protocol": "HTTP"}}, "spec", "ports"),
		},
	}
}

package tlsorigination

import (
	"net"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

func httpOriginated(x *external) suite.Feature {
	const credential = "secure-ca"
	const (
		byFile       = "a plain request reaches the host over TLS, from the gateway"
		toGateway    = "the sidecar sent the request to the gateway"
		toHost       = "the gateway sent the request to the host's TLS port"
		noTLS        = "the gateway refuses a client without a sidecar that speaks no TLS"
		unproven     = "the gateway refuses a client that has no certificate of the mesh"
		bySecret     = "with credentialName a plain request reaches the host over TLS, from the gateway"
		toGatewayToo = "with credentialName the sidecar sent the request to the gateway"
		toHostToo    = "with credentialName the gateway sent the request to the host's TLS port"
	)
	return suite.Feature{
		Name:    "HTTPOriginated",
		Promise: "A request in the clear reaches the host over TLS from the egress gateway, and up to there over the mesh's own TLS.",
		Spec:    spec,
		Setup:   []suite.Setup{suite.CACredential(gateway, credential, runCA), routed(secure)},
		Steps: []suite.Step{
			suite.Eventually(byFile, fromGateway(secure).As("request")),
			suite.Eventually(toGateway, sentToGateway("request")),
			suite.Eventually(toHost, x.sentToHost("request")),
			suite.Now(noTLS, pastSidecar("http", expect.Severed())),
			suite.Now(unproven, pastSidecar("https", expect.FailedWith(probe.ClassTLSAlert, probe.ClassClosed, probe.ClassReset))),
			suite.Do("the CA comes by credentialName instead of a file", suite.Apply(routed(secure, byCredential(secure, credential, nil)))),
			suite.Eventually(bySecret, fromGateway(secure).As("second request")),
			suite.Eventually(toGatewayToo, sentToGateway("second request")),
			suite.Eventually(toHostToo, x.sentToHost("second request")),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("DestinationRule", "secure", expect.FieldStatus),
			suite.Withhold("Gateway", "secure", expect.FieldStatus),
			suite.Withhold("VirtualService", "secure", expect.FieldReceivedTLSVersion),
			suite.Replace("DestinationRule", "secure", expect.FieldStatus, "other.example.com", tlsPath("sni")...),
			suite.Replace("DestinationRule", "secure", expect.FieldStatus, "DISABLE", tlsPath("mode")...),
			bySubset(byFile, "by another subset", "secure", "http", 80).At(toGateway),
			suite.Replace("ServiceEntry", "secure-for-gateway", expect.FieldLogUpstreamHost, otherPort(), "spec", "ports", "0").Called("by another port of the host").At(toHost),
			gatewayAllows(noTLS, "with a gateway that takes it in the clear", "taken-in-the-clear"),
			gatewayAllows(unproven, "with a gateway that demands no certificate", "taken-without-certificate"),
			untilSeen(bySecret, "with a credential of another authority", expect.FieldStatus,
				suite.Apply(suite.CACredential(gateway, credential, x.other)), plain(secure, expect.Status(503))),
			bySubset(bySecret, "by another subset, with credentialName", "secure", "http", 80).At(toGatewayToo),
			suite.BreakBefore(bySecret, "by another port of the host, with credentialName", expect.FieldLogUpstreamHost, x.toOtherPort()).At(toHostToo),
		},
	}
}

// fromGateway is originated, for whose host the gateway is the client, without a certificate.
func fromGateway(host string) suite.Exchange {
	return originated(host, host, expect.EchoNoClientCert()).ReceivedFrom(egress())
}

// sentToGateway wants the sidecar's line of a request to say that it went to the gateway.
func sentToGateway(request string) suite.Line {
	return suite.LineOf(request, sidecar(), expect.StatusIs(200)).With(func(e suite.Env) expect.LineCheck {
		return expect.ClusterIs("outbound|80|" + nameOf(secure) + "|" + e.Gateway(gateway).Service())
	}, expect.FieldLogUpstreamCluster)
}

// sentToHost wants the gateway's line of a request to say that it went to the host's TLS
// port.
func (x *external) sentToHost(request string) suite.Line {
	return suite.LineOf(request, egress(), expect.StatusIs(200), expect.ClusterIs("outbound|443||"+secure), expect.AuthorityIs(secure), expect.SNIIs(secure)).
		With(func(suite.Env) expect.LineCheck { return expect.UpstreamHostIs(net.JoinHostPort(x.world, "443")) }, expect.FieldLogUpstreamHost)
}

// pastSidecar asks the gateway from a pod that has no sidecar.
func pastSidecar(scheme string, refused expect.Check) suite.Exchange {
	return suite.AskLate(func(e suite.Env) probe.Request {
		r := probe.GET(scheme + "://" + secure + "/")
		r.Connect = net.JoinHostPort(e.Gateway(gateway).Service(), "80")
		r.TLS.SkipVerify = true
		return r
	}, refused).From("bookinfo", "outsider")
}

// noBypass: what the gateway is for cannot be had without it.
func noBypass() suite.Feature {
	const (
		closed      = "the host's TLS port is closed to the application"
		staysClosed = "the host's TLS port stays closed to the application"
		unknown     = "the sidecar refused the TLS port, which the mesh does not know"
		arrives     = "a request to the plain port arrives over TLS, from the gateway"
		unreached   = "without the route the host is not reached by its plain port"
	)
	direct := func(checks ...expect.Check) suite.Exchange {
		return suite.Ask(probe.GET("https://"+guarded+":443/"), checks...).At(world(), 443).From("bookinfo", "agent")
	}
	opened := suite.Set("ServiceEntry", nameOf(guarded), bothPorts(), "spec", "ports")
	noRoute := suite.Delete("VirtualService", nameOf(guarded))
	return suite.Feature{
		Name:    "NoBypass",
		Promise: "The application cannot reach the host itself: neither its TLS port, nor in the clear.",
		Spec:    spec,
		Setup:   []suite.Setup{routed(guarded)},
		Steps: []suite.Step{
			suite.Control("the host is reached through the gateway", originated(guarded, guarded)),
			suite.Eventually(closed, direct(expect.Severed()).As("refused request")),
			suite.Stay(staysClosed, direct(expect.Unanswered())),
			suite.Eventually(unknown, suite.LineOfConnection("refused request", sidecar(), expect.ClusterIs("BlackHoleCluster"), expect.FlagsAre("UH"))),
			suite.Eventually(arrives, fromGateway(guarded)),
			suite.Do("the route to the gateway is deleted", suite.Sequence(noRoute, suite.Delete("ServiceEntry", nameOf(guarded)))),
			suite.Eventually(unreached, plain(guarded, expect.Status(502))),
		},
		Sabotage: []suite.Sabotage{
			untilSeen(closed, "with a TLS port that is open", expect.FieldFailure, opened, direct(expect.Status(200))),
			untilSeen(staysClosed, "with a TLS port that opens", expect.FieldFailure, opened, direct(expect.Status(200))),
			suite.BreakBefore(closed, "with a TLS port that is known, where nobody listens", expect.FieldLogUpstreamCluster,
				suite.Sequence(suite.Set("ServiceEntry", nameOf(guarded), nobodyListens(guarded), "spec"), suite.AwaitRoutedTo(direct(), expect.ClusterIs("outbound|443||"+guarded)))).At(unknown),
			untilSeen(arrives, "without the route to the gateway", expect.FieldReceivedSourceAddress, noRoute, plain(guarded, expect.EchoPlain())),
			untilSeen(unreached, "with all made again", expect.FieldStatus, suite.Apply(routed(guarded)), originated(guarded, guarded)),
		},
	}
}

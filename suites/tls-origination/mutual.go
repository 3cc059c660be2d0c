package tlsorigination

import (
	"context"

	"meshgate/framework/expect"
	"meshgate/framework/pki"
	"meshgate/framework/suite"
)

// mutualTLS: the host demands a certificate of the gateway.
func mutualTLS(x *external) suite.Feature {
	const credential, foreign, none = "mutual-client", "mutual-foreign", "mutual-none"
	const (
		foreignRefused = "a gateway with a certificate of another authority is refused, and the host's log says why"
		noneRefused    = "a gateway without a certificate is refused, and the host's log says why"
	)
	client := func(name string, by func(suite.Env) *pki.CA) suite.Setup {
		return suite.ClientCredential(gateway, name, pki.Leaf{CommonName: "meshgate egress", Client: true}, by)
	}
	presented := func(_ context.Context, e suite.Env) (expect.Check, error) {
		return expect.EchoClientCert(e.Certificate(credential).Serial), nil
	}
	mode := map[string]any{"mode": "MUTUAL"}
	return suite.Feature{
		Name:    "MutualTLS",
		Promise: "A host that demands a certificate is reached with the right one, and with no other.",
		Spec:    spec,
		Setup: []suite.Setup{
			client(credential, suite.Env.CA),
			routed(mutual, byCredential(mutual, credential, mode)),
			client(foreign, func(suite.Env) *pki.CA { return x.otherCA }),
			routed(wrongCert, byCredential(wrongCert, foreign, mode)),
			suite.CACredential(gateway, none, runCA),
			routed(noCert, byCredential(noCert, none, nil)),
		},
		Steps: []suite.Step{
			suite.Eventually("the gateway reaches the host with its certificate, which the host receives",
				originated(mutual, mutual).With(presented, expect.FieldReceivedClientCertificate)),
			suite.Eventually(foreignRefused, refusedByHost(foreignRefused, wrongCert, "signed by unknown authority")),
			suite.Eventually(noneRefused, refusedByHost(noneRefused, noCert, "didn't provide a certificate")),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("Secret", credential, expect.FieldStatus),
			suite.Replace("DestinationRule", nameOf(mutual), expect.FieldStatus, "SIMPLE", tlsPath("mode")...),
			suite.Replace("DestinationRule", nameOf(wrongCert), expect.FieldServerLog, "SIMPLE", tlsPath("mode")...).At(foreignRefused),
			suite.Replace("DestinationRule", nameOf(noCert), expect.FieldServerLog, verified(noCert, foreign, mode), tlsPath()...).
				Called("with a certificate of another authority instead of none").At(noneRefused),
		},
	}
}

// refusedByHost wants the host to refuse the gateway. By TLS 1.3 the gateway is connected
// before the host has looked at its certificate, so the gateway's log says only that the
// connection ended; the host's own log says why, of the same connection.
func refusedByHost(step, host, why string) suite.Condition {
	atGateway := refused(step, host, expect.ClusterIs("outbound|443||"+host))
	return suite.All(atGateway, suite.That(func(ctx context.Context, e suite.Env) error {
		request, err := e.Exchanged(step)
		if err != nil {
			return err
		}
		lines, err := egress()(e).Lines(ctx)
		if err != nil {
			return err
		}
		log, err := e.ServerLog(ctx, "world", "world")
		if err != nil {
			return err
		}
		return expect.HandshakeRefused(log, expect.Those(lines, suite.Of(request))[0].UpstreamLocal, why)
	}, expect.FieldServerLog))
}

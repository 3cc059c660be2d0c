package basicgateway

import (
	"meshgate/framework/expect"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// tlsTermination: the gateway presents the certificate it was given, speaks today's
// TLS and nothing older, and nothing plain.
func tlsTermination() suite.Feature {
	const host = "tls.example.com"
	over := func(o probe.TLSOptions) probe.Request {
		r := probe.GET("https://" + host + "/")
		r.TLS = o
		return r
	}
	only := func(version string) probe.Request { return over(probe.TLSOptions{Min: version, Max: version}) }
	with := func(tls map[string]any, name string, field expect.Field) suite.Sabotage {
		tls["mode"], tls["credentialName"] = "SIMPLE", "tls-termination"
		return suite.Replace("Gateway", "tls-termination", field, tls, "spec", "servers", "0", "tls").Called(name)
	}
	return suite.Feature{
		Name:    "TLSTermination",
		Promise: "Port 443 presents exactly the certificate of credentialName and speaks TLS 1.2 and 1.3 alone.",
		Spec:    spec,
		Setup: []suite.Setup{
			suite.Credential("tls-termination", pki.Leaf{DNSNames: []string{host}}),
			suite.Fixtures("basic-gateway/tls-termination/*.yaml"),
		},
		Steps: []suite.Step{
			suite.Eventually("the certificate is the one in the secret, and its chain verifies",
				suite.Ask(over(probe.TLSOptions{}), expect.Status(200)).Presents("tls-termination")),
			suite.Now("TLS 1.2 and 1.3 are spoken",
				suite.Ask(only("1.2"), expect.Status(200), expect.TLSVersionIs("1.2")),
				suite.Ask(only("1.3"), expect.Status(200), expect.TLSVersionIs("1.3"))),
			suite.Now("TLS 1.0 and 1.1 are refused",
				suite.Ask(only("1.0"), expect.AlertIs("protocol_version")),
				suite.Ask(only("1.1"), expect.AlertIs("protocol_version"))),
			suite.Now("HTTP/2 and HTTP/1.1 are agreed on by ALPN",
				suite.Ask(over(probe.TLSOptions{ALPN: []string{"h2"}}), expect.Status(200), expect.ALPNIs("h2")),
				suite.Ask(over(probe.TLSOptions{ALPN: []string{"http/1.1"}}), expect.Status(200), expect.ALPNIs("http/1.1"))),
			suite.Now("plain HTTP on port 443 is refused",
				suite.Ask(probe.GET("http://"+host+":443/"), expect.Severed())),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("Gateway", "tls-termination", expect.FieldStatus, "no-such-secret", "spec", "servers", "0", "tls", "credentialName"),
			with(map[string]any{"maxProtocolVersion": "TLSV1_2"}, "nothing newer than TLS 1.2", expect.FieldTLSVersion).
				At("TLS 1.2 and 1.3 are spoken"),
			// The ciphers of today's default are none that TLS 1.0 could use.
			with(map[string]any{"minProtocolVersion": "TLSV1_0", "cipherSuites": []any{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"}},
				"TLS 1.0 with a cipher for it", expect.FieldTLSAlert).
				At("TLS 1.0 and 1.1 are refused"),
			unrouted("HTTP/2 and HTTP/1.1 are agreed on by ALPN", "tls-termination", "https://"+host+"/"),
		},
	}
}

// secondCertificate: by SNI each host gets its own certificate from one port.
func secondCertificate() suite.Feature {
	const first, second = "first-cert.example.com", "second-cert.example.com"
	refused := func(o probe.TLSOptions) suite.Exchange {
		r := probe.GET("https://" + first + "/")
		r.TLS = o
		return suite.Ask(r, expect.Severed(), expect.FailedDuring(probe.PhaseTLS))
	}
	return suite.Feature{
		Name:    "SecondCertificate",
		Promise: "Two servers share port 443; each host gets its own certificate by SNI, and no other name gets one.",
		Spec:    spec,
		Setup: []suite.Setup{
			suite.Credential("first-certificate", pki.Leaf{DNSNames: []string{first}}),
			suite.Credential("second-certificate", pki.Leaf{DNSNames: []string{second}, RSA: true}),
			suite.Fixtures("basic-gateway/second-certificate/*.yaml"),
		},
		Steps: []suite.Step{
			suite.Eventually("each host gets its own certificate",
				suite.Ask(probe.GET("https://"+first+"/"), expect.Status(200)).Presents("first-certificate"),
				suite.Ask(probe.GET("https://"+second+"/"), expect.Status(200)).Presents("second-certificate")),
			suite.Now("an SNI that matches no server, and none at all, are refused at the handshake",
				refused(probe.TLSOptions{ServerName: "nobody.example.net", VerifyName: first}),
				refused(probe.TLSOptions{NoSNI: true, VerifyName: first})),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("Gateway", "second-certificate", expect.FieldCertificateSerial, "first-certificate", "spec", "servers", "1", "tls", "credentialName"),
			suite.Replace("Gateway", "second-certificate", expect.FieldFailure, []any{first, "nobody.example.net"}, "spec", "servers", "0", "hosts").
				At("an SNI that matches no server, and none at all, are refused at the handshake"),
		},
	}
}

package basicgateway

import (
	"meshgate/framework/expect"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// httpsRedirect: whoever comes over plain HTTP is sent to the same place over HTTPS.
func httpsRedirect() suite.Feature {
	const host, other = "redirect.example.com", "redirect-too.example.com"
	redirects := func(host, pathAndQuery string) suite.Exchange {
		return suite.Ask(probe.GET("http://"+host+pathAndQuery),
			expect.Status(301), expect.Location("https://"+host+pathAndQuery))
	}
	return suite.Feature{
		Name:    "HTTPSRedirect",
		Promise: "Port 80 redirects every listed host to HTTPS, with path and query kept.",
		Spec:    spec,
		Setup: []suite.Setup{
			suite.Credential("https-redirect", pki.Leaf{DNSNames: []string{host, other}}),
			suite.Fixtures("basic-gateway/https-redirect/*.yaml"),
		},
		Steps: []suite.Step{
			suite.Control("every listed host answers over HTTPS",
				suite.Ask(probe.GET("https://"+host+"/productpage"), expect.Status(200), expect.FromApp()),
				suite.Ask(probe.GET("https://"+other+"/productpage"), expect.Status(200), expect.FromApp())),
			suite.Eventually("port 80 redirects every listed host with path and query",
				redirects(host, "/productpage?a=b&c=d%20e"),
				redirects(host, "/"),
				redirects(other, "/api/v1/products/0?x=%2F")),
			suite.Now("a host that is not listed gets 404 and no redirect",
				suite.Ask(probe.GET("http://unlisted.example.com/productpage"),
					expect.Status(404), expect.FromGateway(), expect.NoLocation())),
		},
		Sabotage: []suite.Sabotage{
			suite.Replace("Gateway", "https-redirect", expect.FieldStatus, false, "spec", "servers", "0", "tls", "httpsRedirect").
				At("port 80 redirects every listed host with path and query"),
			suite.Replace("Gateway", "https-redirect", expect.FieldStatus, []any{host, other, "unlisted.example.com"}, "spec", "servers", "0", "hosts").
				At("a host that is not listed gets 404 and no redirect"),
			suite.Withhold("VirtualService", "https-redirect", expect.FieldStatus),
		},
	}
}

package expect

import (
	"encoding/binary"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"meshgate/framework/pki"
	"meshgate/framework/probe"
)

const url = "https://api.test/a?b=c"

// answer is an ordinary response of the application through the gateway.
func answer(change ...func(*probe.Observation)) probe.Observation {
	o := probe.Observation{
		Request: probe.RequestSummary{Kind: probe.KindHTTP, Method: "GET", URL: url, Via: "outside"},
		Status:  200, Proto: "HTTP/2.0",
		Header: http.Header{"Server": {"istio-envoy"}, "X-Envoy-Upstream-Service-Time": {"3"}, "Content-Type": {"application/json"}},
		Body: probe.Bytes(`{"method":"PATCH","target":"/a%2Fb//c?d=e","path":"/a%2Fb//c","host":"api.test","pod":"my-app-5d4f-x2x","namespace":"bookinfo",
			"headers":{"X-Plan":["gold","silver"]},"list":[{"n":1}],"none":null}`),
	}
	for _, c := range change {
		c(&o)
	}
	return o
}

func status(code int) func(*probe.Observation) {
	return func(o *probe.Observation) { o.Status = code }
}

func withHeader(name, value string) func(*probe.Observation) {
	return func(o *probe.Observation) { o.Header.Add(name, value) }
}

func without(name string) func(*probe.Observation) {
	return func(o *probe.Observation) { o.Header.Del(name) }
}

func withBody(body string) func(*probe.Observation) {
	return func(o *probe.Observation) { o.Body = probe.Bytes(body) }
}

// refused is an attempt that got no answer.
func refused(class, phase, alert string) probe.Observation {
	return probe.Observation{
		Request: probe.RequestSummary{Kind: probe.KindHTTP, Method: "GET", URL: url, Via: "outside"},
		Failure: &probe.Failure{Class: class, Phase: phase, Alert: alert, Message: "so it was"},
	}
}

// documents is what a mongodb probe read.
func documents(body string, change ...func(*probe.Observation)) probe.Observation {
	o := probe.Observation{Request: probe.RequestSummary{Kind: probe.KindMongoDB, URL: url, Via: "outside"}, Body: probe.Bytes(body), Proto: "MongoDB 7.0.14",
		Connections: []string{"10.0.0.1:1", "10.0.0.1:2"}, Wire: &probe.Wire{Sent: message(2013), Received: message(1)}}
	for _, c := range change {
		c(&o)
	}
	return o
}

// message is the header of one of MongoDB's: length, ID, answer to, operation.
func message(operation uint32) []byte {
	return binary.LittleEndian.AppendUint32(make([]byte, 12), operation)
}

func overTLS(o *probe.Observation) {
	o.Wire = &probe.Wire{Sent: []byte{22, 3, 1, 0}, Received: []byte{22, 3, 3, 0}}
}

// secured is answer over a connection on which c was presented and found good.
func secured(c *pki.Certificate, change ...func(*probe.TLSInfo)) probe.Observation {
	o := answer()
	o.TLS = &probe.TLSInfo{Version: "1.3", ALPN: "h2", Peer: []probe.CertInfo{{
		DNSNames: c.X509.DNSNames, Serial: c.Serial, KeyType: c.KeyType, SHA256: fingerprint(c)}}}
	for _, f := range change {
		f(o.TLS)
	}
	return o
}

const page = `<article class="review"><cite class="reviewer">Reviewer1</cite><p data-color="red">` +
	`<span class="star-full"></span><span class="star-empty"></span><span class="star-empty"></span>` +
	`<span class="star-empty"></span><span class="star-empty"></span></p></article>` +
	`<article class="review"><cite class="reviewer">Reviewer2</cite></article><p class="error">Ratings are unavailable</p>`

// judged is one check with what it must pass and what it must refuse, and how.
type judged struct {
	check   Check
	good    probe.Observation
	bad     probe.Observation
	refusal string
}

// cases are by the name of the function under test.
func cases(t *testing.T) map[string][]judged {
	reset := refused(probe.ClassReset, probe.PhaseTLS, "")
	all := map[string][]judged{
		"All": {{All(Status(200), Header("Server", "istio-envoy")), answer(), answer(status(503), without("Server")),
			`503 ` + url + `: status: want "200", got "503"; Server: want "istio-envoy", got "no such header"`}},
		"Status": {
			{Status(200), answer(), answer(status(404)), `404 ` + url + `: status: want "200", got "404"`},
			{Status(200), answer(), reset, `reset in tls ` + url + `: status: want "200", got "reset in tls: so it was"`},
			{Status(200), answer(), func() probe.Observation {
				o := answer()
				o.Failure = &probe.Failure{Class: probe.ClassClosed, Phase: probe.PhaseBody, Message: "half a page"}
				return o
			}(), `closed in body ` + url + `: status: want "200", got "closed in body: half a page"`}},
		"StatusIn": {{StatusIn(301, 302), answer(status(302)), answer(), `200 ` + url + `: status: want "301 or 302", got "200"`}},
		"Answered": {{Answered(), answer(status(503)), reset, `reset in tls ` + url + `: outcome: want "an answer", got "reset in tls: so it was"`}},
		"Header": {
			{Header("X-Plan", "gold"), answer(withHeader("X-Plan", "gold")), answer(withHeader("X-Plan", "gold"), withHeader("X-Plan", "gold")), `200 ` + url + `: X-Plan: want "gold", got "gold, gold"`},
			{Header("X-Plan", ""), answer(withHeader("X-Plan", "")), answer(), `200 ` + url + `: X-Plan: want "", got "no such header"`}},
		"HeaderHasPrefix": {
			{HeaderHasPrefix("Content-Type", "application/"), answer(), answer(without("Content-Type"), withHeader("Content-Type", "text/html")), `200 ` + url + `: Content-Type: want "application/…", got "text/html"`},
			{HeaderHasPrefix("X", ""), answer(withHeader("X", "a")), answer(), `200 ` + url + `: X: want "…", got "no such header"`}},
		"HeaderLacksToken": {
			{HeaderLacksToken("Allow", "TRACE"), answer(withHeader("Allow", "GET, POST")), answer(withHeader("Allow", "GET,TRACE ,POST")), `200 ` + url + `: Allow: want "a list without TRACE", got "GET,TRACE ,POST"`},
			{HeaderLacksToken("Allow", "TRACE"), answer(withHeader("Allow", "TRACER")), answer(), `200 ` + url + `: Allow: want "a list without TRACE", got "no such header"`}},
		"NoHeader": {
			{NoHeader("X-Secret"), answer(), answer(withHeader("X-Secret", "")), `200 ` + url + `: X-Secret: want "no such header", got ""`},
			{NoHeader("X-Secret"), answer(), reset, `reset in tls ` + url + `: X-Secret: want "a response without it", got "reset in tls: so it was"`}},
		"Location":     {{Location("https://a.test/"), answer(withHeader("Location", "https://a.test/")), answer(withHeader("Location", "https://a.test")), `200 ` + url + `: Location: want "https://a.test/", got "https://a.test"`}},
		"NoLocation":   {{NoLocation(), answer(), answer(withHeader("Location", "/")), `200 ` + url + `: Location: want "no such header", got "/"`}},
		"BodyContains": {{BodyContains("Comedy"), answer(withBody("The Comedy of Errors")), answer(withBody("a tragedy")), `200 ` + url + `: body: want "… Comedy …", got "a tragedy"`}},
		"Reused":       {{Reused(), answer(func(o *probe.Observation) { o.Reused = true }), answer(), `200 ` + url + `: connection: want "the one opened before", got "a new one"`}},
		"FromGateway": {
			{FromGateway(), answer(without("X-Envoy-Upstream-Service-Time")), answer(), `200 ` + url + `: made by: want "the gateway itself", got "an upstream"`},
			{FromGateway(), answer(without("X-Envoy-Upstream-Service-Time")), answer(without("X-Envoy-Upstream-Service-Time"), without("Server")), `200 ` + url + `: Server: want "istio-envoy", got "no such header"`}},
		"FromApp":      {{FromApp(), answer(), answer(without("X-Envoy-Upstream-Service-Time")), `200 ` + url + `: made by: want "an upstream", got "the gateway itself"`}},
		"FromUpstream": {{FromUpstream(), answer(without("Server")), answer(without("X-Envoy-Upstream-Service-Time")), `200 ` + url + `: made by: want "an upstream", got "the gateway itself"`}},
		"FailedWith":   {{FailedWith(probe.ClassClosed, probe.ClassReset), reset, answer(status(503)), `503 ` + url + `: failure: want "closed or reset", got "503"`}},
		"Severed":      {{Severed(), reset, answer(status(503)), `503 ` + url + `: failure: want "closed or reset", got "503"`}},
		"Unanswered":   {{Unanswered(), refused(probe.ClassTimeout, probe.PhaseConnect, ""), answer(status(503)), `503 ` + url + `: failure: want "closed or reset or timeout", got "503"`}},
		"FailedDuring": {{FailedDuring(probe.PhaseTLS), reset, refused(probe.ClassReset, probe.PhaseConnect, ""), `reset in connect ` + url + `: failed during: want "tls", got "reset in connect: so it was"`}},
		"AlertIs":      {{AlertIs("protocol_version"), refused(probe.ClassTLSAlert, probe.PhaseTLS, "protocol_version"), refused(probe.ClassTLSAlert, probe.PhaseTLS, "handshake_failure"), `tls-alert handshake_failure in tls ` + url + `: TLS alert: want "protocol_version", got "tls-alert handshake_failure in tls: so it was"`}},
		"Dropped":      {{Dropped(), refused(probe.ClassTimeout, probe.PhaseConnect, ""), refused(probe.ClassTimeout, probe.PhaseResponse, ""), `timeout in response ` + url + `: failed during: want "connect", got "timeout in response: so it was"`}},
	}
	for _, more := range []map[string][]judged{applicationCases(), echoTLSCases(), corsCases(), tlsCases(t)} {
		for name, list := range more {
			all[name] = list
		}
	}
	return all
}

func applicationCases() map[string][]judged {
	reset := refused(probe.ClassReset, probe.PhaseTLS, "")
	html := answer(withBody(page))
	return map[string][]judged{
		"EchoTarget": {
			{EchoTarget("/a%2Fb//c?d=e"), answer(), answer(withBody(`{"target":"/a/b/c?d=e"}`)), `200 ` + url + `: received target: want "/a%2Fb//c?d=e", got "/a/b/c?d=e"`},
			{EchoTarget("/"), answer(withBody(`{"target":"/"}`)), answer(withBody(`<html>`)), `200 ` + url + `: received target: want "/", got "not the echo application's answer: <html>"`},
			{EchoTarget("/"), answer(withBody(`{"target":"/"}`)), reset, `reset in tls ` + url + `: received target: want "/", got "no answer: reset in tls: so it was"`}},
		"EchoMethod": {{EchoMethod("PATCH"), answer(), answer(withBody(`{"target":"/","method":"patch"}`)), `200 ` + url + `: received method: want "PATCH", got "patch"`}},
		"EchoFrom":   {{EchoFrom("10.0.0.7", "10.0.0.8"), answer(withBody(`{"target":"/","remote":"10.0.0.8:4711"}`)), answer(withBody(`{"target":"/","remote":"10.0.0.80:4711"}`)), `200 ` + url + `: received source address: want "10.0.0.7 or 10.0.0.8", got "10.0.0.80:4711"`}},
		"EchoApp": {
			{EchoApp("my-app"), answer(), answer(withBody(`{"target":"/","pod":"catalog-6b-yy"}`)), `200 ` + url + `: received by application: want "my-app", got "catalog-6b-yy"`},
			{EchoApp("my-app"), answer(), answer(withBody(`{"target":"/","pod":"my-app-other-6b-yy"}`)), `200 ` + url + `: received by application: want "my-app", got "my-app-other-6b-yy"`}},
		"EchoHeader":   {{EchoHeader("x-plan", "gold, silver"), answer(), answer(withBody(`{"target":"/","headers":{"X-Plan":["gold"]}}`)), `200 ` + url + `: received header x-plan: want "gold, silver", got "gold"`}},
		"EchoNoHeader": {{EchoNoHeader("x-other"), answer(), answer(withBody(`{"target":"/","headers":{"X-Other":[""]}}`)), `200 ` + url + `: received header x-other: want "no such header", got ""`}},
		"Documents": {
			{Documents(`[{"rating":1},{"rating":1}]`), documents(`[{"rating": 1}, {"rating": 1}]`), documents(`[{"rating":1}]`), `connected ` + url + `: documents: want "[{\"rating\":1},{\"rating\":1}]", got "[{\"rating\":1}]"`},
			{Documents(`[]`), documents(`[]`), refused(probe.ClassAuth, probe.PhaseAuth, ""), `auth in auth ` + url + `: documents: want "[]", got "auth in auth: so it was"`}},
		"Connected": {
			{Connected(), documents(`[]`), refused(probe.ClassClosed, probe.PhaseResponse, ""), `closed in response ` + url + `: connection: want "connected", got "closed in response: so it was"`}},
		"AtTheFirstTry": {
			{AtTheFirstTry(), documents(`[]`), documents(`[]`, func(o *probe.Observation) { o.Connections = append(o.Connections, "192.0.2.1:1") }), `connected ` + url + `: connections opened: want "2", got "3"`}},
		"ConnectionsAre": {
			{ConnectionsAre(2), documents(`[]`), documents(`[]`, func(o *probe.Observation) { o.Connections = nil }), `connected ` + url + `: connections opened: want "2", got "0"`}},
		"EncryptedOnTheWire": {
			{EncryptedOnTheWire(), documents(`[]`, overTLS), documents(`[]`), `connected ` + url + `: sent on the wire: want "TLS records", got "MongoDB messages in the clear"; received on the wire: want "TLS records", got "MongoDB messages in the clear"`}},
		"ClearOnTheWire": {
			{ClearOnTheWire(), documents(`[]`), documents(`[]`, overTLS), `connected ` + url + `: sent on the wire: want "MongoDB messages in the clear", got "TLS records"; received on the wire: want "MongoDB messages in the clear", got "TLS records"`}},
		"Stars": {
			{Stars("Reviewer1", 1), html, answer(withBody(`<article class="review"><cite class="reviewer">Reviewer2</cite></article>`)), `200 ` + url + `: stars by Reviewer1: want "1", got "product page: no review by \"Reviewer1\"; it shows reviews by [\"Reviewer2\"] and errors []"`},
			{Stars("Reviewer1", 1), html, reset, `reset in tls ` + url + `: stars by Reviewer1: want "1", got "no answer: reset in tls: so it was"`}},
		"StarColor": {
			{StarColor("Reviewer1", "red"), html, answer(withBody(page), func(o *probe.Observation) { o.Truncated = true }), `200 ` + url + `: colour of stars by Reviewer1: want "red", got "the page was cut at ` + strconv.Itoa(len(page)) + ` bytes"`}},
	}
}

func TestNoVersionIsNoAssertion(t *testing.T) {
	assert.ErrorIs(t, EchoTLS().Judge(answer()), errNoChecks)
}

func echoTLSCases() map[string][]judged {
	said := func(tls string) probe.Observation { return answer(withBody(`{"target":"/","tls":` + tls + `}`)) }
	const mutual = `{"version":"1.3","serverName":"api.test","alpn":"h2","cipherSuite":"TLS_AES_128_GCM_SHA256","clientCertificate":{"serial":"a1"}}`
	simple, plain, silent := said(`{"version":"1.2","serverName":"","clientCertificate":null}`), said(`null`), answer(withBody(`{"target":"/"}`))
	return map[string][]judged{
		"EchoTLS": {
			{EchoTLS("1.3"), said(mutual), simple, `200 ` + url + `: received TLS version: want "1.3", got "1.2"`},
			{EchoTLS("1.2", "1.3"), simple, said(`{"version":"1.1"}`), `200 ` + url + `: received TLS version: want "1.2 or 1.3", got "1.1"`},
			{EchoTLS("1."), simple, plain, `200 ` + url + `: received TLS version: want "1.", got "TLS: none"`},
			{EchoTLS(""), simple, plain, `200 ` + url + `: received TLS version: want "", got "TLS: none"`},
			{EchoTLS("1.3"), said(mutual), silent, `200 ` + url + `: received TLS version: want "1.3", got "TLS: no word of it"`},
			{EchoTLS("1.3"), said(mutual), said(`5`), `200 ` + url + `: received TLS version: want "1.3", got "TLS: 5"`},
			{EchoTLS("1.3"), said(mutual), refused(probe.ClassReset, probe.PhaseTLS, ""), `reset in tls ` + url + `: received TLS version: want "1.3", got "no answer: reset in tls: so it was"`}},
		"EchoSNI": {
			{EchoSNI("api.test"), said(mutual), said(`{"serverName":"API.test"}`), `200 ` + url + `: received SNI: want "api.test", got "API.test"`},
			{EchoSNI(""), simple, plain, `200 ` + url + `: received SNI: want "", got "TLS: none"`}},
		"EchoClientCert": {
			{EchoClientCert("a1"), said(mutual), said(`{"clientCertificate":{"serial":"a12"}}`), `200 ` + url + `: received client certificate: want "a1", got "a12"`},
			{EchoClientCert("a1"), said(mutual), simple, `200 ` + url + `: received client certificate: want "a1", got "none"`},
			{EchoClientCert("a1"), said(mutual), plain, `200 ` + url + `: received client certificate: want "a1", got "TLS: none"`}},
		"EchoNoClientCert": {
			{EchoNoClientCert(), simple, said(mutual), `200 ` + url + `: received client certificate: want "none", got "a1"`},
			{EchoNoClientCert(), simple, plain, `200 ` + url + `: received client certificate: want "none", got "TLS: none"`}},
		"EchoPlain": {
			{EchoPlain(), plain, said(`{"version":"1.3"}`), `200 ` + url + `: received TLS: want "none", got "{\"version\":\"1.3\"}"`},
			{EchoPlain(), plain, silent, `200 ` + url + `: received TLS: want "none", got "no word of it"`}},
	}
}

func corsCases() map[string][]judged {
	policy := CORS{Origin: "https://shop.test", Methods: []string{"GET", "POST"}, Headers: []string{"X-A", "*"}, MaxAge: "86400", Credentials: true}
	told := func(change ...func(*probe.Observation)) probe.Observation {
		all := []func(*probe.Observation){
			withHeader("Access-Control-Allow-Origin", "https://shop.test"), withHeader("Access-Control-Allow-Methods", "POST,GET"),
			withHeader("Access-Control-Allow-Headers", "x-a, *"), withHeader("Access-Control-Max-Age", "86400"),
			withHeader("Access-Control-Allow-Credentials", "true")}
		return answer(append(all, change...)...)
	}
	bare := CORS{Origin: "https://shop.test", Methods: []string{"GET", "POST"}, Headers: []string{"X-A", "*"}}
	return map[string][]judged{
		"Preflight": {
			{Preflight(policy), told(), told(without("Access-Control-Allow-Origin"), withHeader("Access-Control-Allow-Origin", "*")), `200 ` + url + `: Access-Control-Allow-Origin: want "https://shop.test", got "*"`},
			{Preflight(policy), told(), told(withHeader("Access-Control-Allow-Methods", "TRACE")), `200 ` + url + `: Access-Control-Allow-Methods: want "GET,POST", got "POST,GET, TRACE"`},
			{Preflight(policy), told(), told(without("Access-Control-Allow-Headers")), `200 ` + url + `: Access-Control-Allow-Headers: want "X-A,*", got "no such header"`},
			{Preflight(policy), told(), told(without("Access-Control-Max-Age")), `200 ` + url + `: Access-Control-Max-Age: want "86400", got "no such header"`},
			{Preflight(policy), told(), told(without("Access-Control-Allow-Credentials")), `200 ` + url + `: Access-Control-Allow-Credentials: want "true", got "no such header"`},
			{Preflight(bare), told(without("Access-Control-Max-Age"), without("Access-Control-Allow-Credentials")), told(),
				`200 ` + url + `: Access-Control-Max-Age: want "no such header", got "86400"; Access-Control-Allow-Credentials: want "no such header", got "true"`}},
		"NoCORS": {
			{NoCORS(), answer(), answer(withHeader("Access-Control-Max-Age", "1"), withHeader("Access-Control-Allow-Origin", "*")),
				`200 ` + url + `: Access-Control-Allow-Origin: want "no such header", got "*"; Access-Control-Max-Age: want "no such header", got "1"`},
			{NoCORS(), answer(), refused(probe.ClassReset, probe.PhaseTLS, ""), `reset in tls ` + url + `: Access-Control-Allow-Origin: want "a response without it", got "reset in tls: so it was"`}},
	}
}

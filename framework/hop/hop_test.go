package hop_test

import (
	"strings"
	"testing"
	"time"

	"meshgate/framework/accesslog"
	"meshgate/framework/expect"
	"meshgate/framework/hop"
	"meshgate/framework/probe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The proxies of the lines below, which are a real mesh's but for names and addresses.
var (
	// The proxies of the lines below. The lines are from a real mesh, with other names and
	// addresses.
	ingress = hop.Proxy{Name: "gateway istio-ingressgateway", Namespace: "istio-system", Pod: "ingress-1", IP: "10.0.0.8", Gateway: true}
	page    = hop.Proxy{Name: "sidecar of productpage", Namespace: "bookinfo", Pod: "productpage-1", IP: "10.0.0.6"}
	client  = hop.Proxy{Name: "sidecar of agent", Namespace: "bookinfo", Pod: "agent-1", IP: "10.0.0.5"}
	egress  = hop.Proxy{Name: "gateway istio-egressgateway", Namespace: "istio-system", Pod: "egress-1", IP: "10.0.0.9", Gateway: true}
	all     = []hop.Proxy{ingress, page, client, egress}
)

const (
	atIngress  = `[2026-11-21T11:21:23.261Z] "GET /productpage HTTP/2" 200 - via_upstream - "-" 0 478 2 1 "10.0.0.1" "meshgate-probe/1 (q1)" "g1" "api.test" "10.0.0.6:9080" outbound|9080||productpage.bookinfo.svc.cluster.local 10.0.0.8:46744 10.0.0.8:443 10.0.0.1:3100 api.test -`
	atPage     = `[2026-11-21T11:21:23.262Z] "GET /productpage HTTP/1.1" 200 - via_upstream - "-" 0 478 0 0 "10.0.0.1" "meshgate-probe/1 (q1)" "g1" "api.test" "10.0.0.6:9080" inbound|9080|| 127.0.0.6:52772 10.0.0.6:9080 10.0.0.1:0 outbound_.9080_._.productpage.bookinfo.svc.cluster.local default`
	fromPage   = `[2026-11-21T11:21:23.263Z] "GET /details/0 HTTP/1.1" 200 - via_upstream - "-" 0 178 1 1 "-" "Go-http-client/1.1" "g1" "details:9080" "10.0.0.7:9080" outbound|9080||details.bookinfo.svc.cluster.local 10.0.0.6:39342 10.96.0.2:9080 10.0.0.6:54868 - default`
	notFound   = `[2026-11-21T11:21:23.273Z] "GET /nothing HTTP/2" 404 NR route_not_found - "-" 0 0 0 - "10.0.0.1" "meshgate-probe/1 (q1)" "g2" "api.test" "-" - - 10.0.0.8:443 10.0.0.1:8365 api.test -`
	blocked    = `[2026-11-21T11:21:23.297Z] "GET / HTTP/1.1" 502 - direct_response - "-" 0 0 0 - "-" "meshgate-probe/1 (q1)" "q1" "world.test" "-" - - 10.0.1.9:80 10.0.0.5:37950 - block_all`
	passed     = `[2026-11-21T11:21:23.297Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 9 1 1 "-" "meshgate-probe/1 (q1)" "q1" "world.test" "10.0.1.9:80" PassthroughCluster 10.0.0.5:41000 10.0.1.9:80 10.0.0.5:37950 - allow_any`
	toEgress   = `[2026-11-21T11:21:23.300Z] "- - -" 0 - - - "-" 1942 2194 47 - "-" "-" "-" "-" "10.0.0.9:15666" outbound|15666||mongo-egressgateway.istio-system.svc.cluster.local 10.0.0.5:35994 10.0.1.9:27018 10.0.0.5:48162 - -`
	pastEgress = `[2026-11-21T11:21:23.301Z] "- - -" 0 - - - "-" 1942 2194 46 - "-" "-" "-" "-" "10.0.1.9:27018" outbound|27018||mongo.test 10.0.0.9:57620 10.0.0.9:15666 10.0.0.5:35994 - -`
	nowhere    = `[2026-11-22T07:39:36.244Z] "- - -" 0 NC - - "-" 0 0 3 - "-" "-" "-" "-" "-" - - 10.0.0.9:15666 10.0.0.5:35994 - -`
	distrusted = `[2026-11-21T11:21:23.301Z] "- - -" 0 UF - - "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end" 0 0 46 - "-" "-" "-" "-" "10.0.1.9:27018" outbound|27018||mongo.test - 10.0.0.9:15666 10.0.0.5:35994 - -`
)

func record(t *testing.T, p hop.Proxy, raw string) hop.Record {
	l, err := accesslog.Parse(raw)
	require.NoError(t, err)
	return hop.Record{Proxy: p, Line: l}
}

// asked is what the client saw of the request q1.
func asked(status int, f *probe.Failure) *probe.Observation {
	return &probe.Observation{RequestID: "q1", Status: status, Failure: f, Remote: "172.18.0.9:443", Local: "10.0.0.5:48162",
		Request: probe.RequestSummary{Kind: probe.KindHTTP, Method: "GET", URL: "https://api.test/productpage"}, At: time.Now()}
}

func TestFollowRecognizesARequestByItsIDs(t *testing.T) {
	other := record(t, ingress, strings.ReplaceAll(strings.ReplaceAll(atIngress, "(q1)", "(q9)"), `"g1"`, `"g9"`))
	path := hop.Follow(asked(200, nil), nil, []hop.Record{record(t, page, fromPage), other, record(t, page, atPage), record(t, ingress, atIngress)})
	assert.Equal(t, []string{atIngress, atPage, fromPage}, raws(path))
}

func TestFollowRecognizesAConnectionByItsClients(t *testing.T) {
	path := hop.Follow(asked(0, nil), nil, []hop.Record{record(t, egress, pastEgress), record(t, client, toEgress), record(t, ingress, atIngress)})
	require.Len(t, path, 3) // the ingress gateway's by its ID, which does not matter here
	assert.Equal(t, []string{toEgress, pastEgress}, raws(path)[1:])
}

func TestFollowStartsFromALine(t *testing.T) {
	judged := record(t, client, toEgress)
	assert.Equal(t, []string{toEgress, pastEgress}, raws(hop.Follow(nil, &judged.Line, []hop.Record{record(t, egress, pastEgress), judged})))
}

func TestCompleteRequiresALineOfEveryReachedProxy(t *testing.T) {
	require.EqualError(t, hop.Complete(nil, all), "no proxy has an access-log line of the request")
	require.EqualError(t, hop.Complete([]hop.Record{record(t, ingress, atIngress)}, all), "sidecar of productpage has no access-log line of the request")
	require.NoError(t, hop.Complete([]hop.Record{record(t, ingress, atIngress), record(t, page, atPage)}, all))
	require.NoError(t, hop.Complete([]hop.Record{record(t, ingress, notFound)}, all))
}

func TestFollowOrdersSimultaneousHopsByUpstream(t *testing.T) {
	at := strings.Replace(atPage, "23.262Z", "23.261Z", 1)
	path := hop.Follow(asked(200, nil), nil, []hop.Record{record(t, page, strings.Replace(at, " 0 478 0 0 ", " 0 478 2 1 ", 1)), record(t, ingress, atIngress)})
	assert.Equal(t, ingress, path[0].Proxy)
}

func TestFollowOrdersHopsByUpstreamWhenClocksDiffer(t *testing.T) {
	late := strings.Replace(atIngress, "23.261Z", "23.299Z", 1)
	path := hop.Follow(asked(200, nil), nil, []hop.Record{record(t, page, atPage), record(t, client, blocked), record(t, ingress, late)})
	assert.Equal(t, []string{blocked, late, atPage}, raws(path))
}

func TestEnteredRequiresALineOfTheReachedGateway(t *testing.T) {
	c := hop.Case{Seen: asked(200, nil), Gateways: map[string]string{"172.18.0.9": ingress.Name}, Path: []hop.Record{record(t, page, atPage)}}
	require.EqualError(t, c.Entered(), "gateway istio-ingressgateway has no access-log line of the request")
	c.Path = append(c.Path, record(t, ingress, atIngress))
	require.NoError(t, c.Entered())
	require.NoError(t, hop.Case{Seen: asked(200, nil)}.Entered(), "no gateway was reached")
}

func TestFirstNamesTheFirstWrongHop(t *testing.T) {
	at := func(p hop.Proxy, raw string) hop.Record { return record(t, p, raw) }
	status := func(want, got string) *expect.Mismatch {
		return &expect.Mismatch{Field: "status", Want: want, Got: got}
	}
	reset := &probe.Failure{Class: probe.ClassReset, Phase: probe.PhaseResponse}
	judged := at(client, blocked).Line
	for name, c := range map[string]struct {
		hop.Case
		hop, did string
	}{
		"a gateway that answers itself": {hop.Case{Seen: asked(404, nil), Wrong: []*expect.Mismatch{status("200", "404")}, Path: []hop.Record{at(ingress, notFound)}},
			ingress.Name, "answered 404 itself (flags NR, route_not_found)"},
		"a server that answers otherwise": {hop.Case{Seen: asked(200, nil), Wrong: []*expect.Mismatch{{Field: "body", Want: "a", Got: "b"}}, Path: []hop.Record{at(ingress, atIngress), at(page, atPage)}},
			"server", "the server 10.0.0.6:9080, behind the last proxy, gave the answer"},
		"a gateway that changes a status": {hop.Case{Seen: asked(500, nil), Wrong: []*expect.Mismatch{status("200", "500")}, Path: []hop.Record{at(ingress, strings.Replace(atIngress, " 200 ", " 500 ", 1)), at(page, atPage)}},
			ingress.Name, "passed on the 500 of 10.0.0.6:9080"},
		"a sidecar that lets pass what is to be blocked": {hop.Case{Seen: asked(200, nil), Wrong: []*expect.Mismatch{status("502", "200")}, Path: []hop.Record{at(client, passed)}},
			client.Name, "passed on the 200 of 10.0.1.9:80 (PassthroughCluster)"},
		"what nobody logged went past the mesh": {hop.Case{Seen: asked(200, nil), Wrong: []*expect.Mismatch{status("502", "200")}},
			"client", "172.18.0.9:443 was reached by the client, and no proxy has an access-log line of the request"},
		"a gateway that writes nothing of a handshake": {hop.Case{Seen: asked(0, nil), Wrong: []*expect.Mismatch{{Field: "TLS alert", Want: "protocol_version", Got: "connected"}}, Gateways: map[string]string{"172.18.0.9": ingress.Name}},
			ingress.Name, "gateway istio-ingressgateway was reached at 172.18.0.9:443, and has no access-log line of the request"},
		"a gateway that does not answer": {hop.Case{Seen: asked(0, &probe.Failure{Class: probe.ClassTimeout, Phase: probe.PhaseConnect}), Wrong: []*expect.Mismatch{status("200", "timeout")}, Gateways: map[string]string{"172.18.0.9": ingress.Name}},
			ingress.Name, "was tried, which failed in phase connect by timeout"},
		"an egress gateway that lets pass what it must not trust": {hop.Case{Seen: asked(200, nil), Wrong: []*expect.Mismatch{status("503", "200")}, Path: []hop.Record{at(client, passed), at(egress, passed)}},
			egress.Name, "passed on the 200"},
		"an answer that the gateway was to make": {hop.Case{Seen: asked(404, nil), Wrong: []*expect.Mismatch{{Field: "made by", Want: "the gateway", Got: "the application"}}, Path: []hop.Record{at(ingress, atIngress), at(page, atPage)}},
			ingress.Name, "passed on the 200 of 10.0.0.6:9080"},
		"a header that only the mesh adds": {hop.Case{Seen: asked(200, nil), Wrong: []*expect.Mismatch{{Field: "Access-Control-Allow-Origin", Want: "a", Got: "*"}}, Path: []hop.Record{at(ingress, atIngress), at(page, atPage)}},
			ingress.Name, "passed on the 200"},
		"a certificate at a gateway": {hop.Case{Seen: asked(0, &probe.Failure{Class: probe.ClassTLSVerify, Phase: probe.PhaseTLS}), Wrong: []*expect.Mismatch{{Field: "certificate serial", Want: "1", Got: "2"}}, Path: []hop.Record{at(ingress, notFound)}},
			ingress.Name, "answered 404"},
		"a gateway whose own line comes late, and that takes any TLS": {hop.Case{Seen: asked(200, nil), Wrong: []*expect.Mismatch{{Field: "TLS alert", Want: "protocol_version", Got: "200"}}, Gateways: map[string]string{"172.18.0.9": ingress.Name}, Path: []hop.Record{at(page, atPage)}},
			ingress.Name, "gateway istio-ingressgateway was reached at 172.18.0.9:443, and has no access-log line of the request"},
		"a gateway whose own line comes late, and that adds a header": {hop.Case{Seen: asked(200, nil), Wrong: []*expect.Mismatch{{Field: "Location", Want: "a", Got: "b"}}, Gateways: map[string]string{"172.18.0.9": ingress.Name}, Path: []hop.Record{at(page, atPage)}},
			ingress.Name, "gateway istio-ingressgateway was reached at 172.18.0.9:443, and has no access-log line of the request"},
		"a server that is not trusted": {hop.Case{Seen: asked(0, reset), Wrong: []*expect.Mismatch{{Field: "outcome", Want: "an answer", Got: "reset"}}, Path: []hop.Record{at(client, toEgress), at(egress, distrusted)}},
			egress.Name, "could not talk to 10.0.1.9:27018 (outbound|27018||mongo.test) (flags UF, TLS_error"},
		"a gateway that has no upstream, in the middle of a handshake": {hop.Case{Seen: asked(0, &probe.Failure{Class: probe.ClassReset, Phase: probe.PhaseTLS}), Wrong: []*expect.Mismatch{{Field: "documents", Want: "two", Got: "reset in tls"}}, Path: []hop.Record{at(client, toEgress), at(egress, nowhere)}},
			egress.Name, "ended the connection and contacted no upstream (flags NC)"},
		"a path that a gateway rewrites": {hop.Case{Seen: asked(200, nil), Wrong: []*expect.Mismatch{{Field: "received target", Want: "/a//b", Got: "/a/b"}}, Path: []hop.Record{at(ingress, strings.Replace(atIngress, "/productpage", "/other", 1)), at(page, atPage)}},
			ingress.Name, "passed on the 200"},
		"a line that is wrong": {hop.Case{Line: &judged, Wrong: []*expect.Mismatch{{Field: "log route", Want: "-", Got: "block_all"}}, Path: []hop.Record{at(client, blocked)}},
			client.Name, "answered 502 itself (direct_response, route block_all)"},
		"a log with a line too many": {hop.Case{Seen: asked(200, nil), Read: ingress.Name, Wrong: []*expect.Mismatch{{Field: "access-log lines", Want: "exactly 1", Got: "2 of 2"}}, Path: []hop.Record{at(ingress, atIngress), at(ingress, atIngress)}},
			ingress.Name, "the access log of gateway istio-ingressgateway has the wrong lines"},
		"a request that bypasses the proxy whose log was read": {hop.Case{Seen: asked(200, nil), Read: egress.Name, Wrong: []*expect.Mismatch{{Field: "access-log lines", Want: "at least 1", Got: "0 of 0"}}, Path: []hop.Record{at(client, passed)}},
			client.Name, "passed on the 200 of 10.0.1.9:80 (PassthroughCluster), and not to gateway istio-egressgateway"},
		"no observation and no log": {hop.Case{Wrong: []*expect.Mismatch{{Field: "requests under way", Want: "20", Got: "21"}}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.First()
			assert.Equal(t, c.hop, got.Hop)
			assert.Contains(t, got.Sentence, c.did)
			if c.hop != "" {
				assert.Contains(t, got.Sentence, ", where "+c.Wrong[0].Error(), "what was wanted")
			}
		})
	}
}

func TestChosenKeepsOnlyTheMatchingConfiguration(t *testing.T) {
	l := record(t, client, strings.Replace(passed, "allow_any", "mine", 1)).Line
	assert.Equal(t, []string{"config_dump?resource=dynamic_route_configs", "config_dump?resource=dynamic_active_clusters&name_regex=%5EPassthroughCluster%24"}, hop.Paths(l))
	chosen, err := hop.Chosen(l,
		[]byte(`{"configs": [{"route_config": {"name": "80", "virtual_hosts": [
			{"name": "other", "domains": ["other.test"], "routes": [{"name": "mine"}]},
			{"name": "world", "domains": ["world.test", "world.test:80"], "routes": [{"name": "yours"}, {"name": "mine", "timeout": "1s"}]}]}}]}`),
		[]byte(`{"configs": [{"cluster": {"name": "PassthroughCluster"}}]}`))
	require.NoError(t, err)
	assert.JSONEq(t, `{"routes": [{"routeConfig": "80", "virtualHost": "world", "routes": [{"name": "mine", "timeout": "1s"}]}], "cluster": [{"name": "PassthroughCluster"}]}`, string(chosen))
}

func TestChosenRefusesInvalidOrHugeConfiguration(t *testing.T) {
	l := record(t, client, passed).Line
	_, err := hop.Chosen(l, []byte("upstream connect error"))
	require.ErrorContains(t, err, "config_dump of the proxy: invalid character")
	_, err = hop.Chosen(l, []byte(`{"configs": [{"cluster": {"name": "`+strings.Repeat("x", 40_000)+`"}}]}`))
	require.ErrorContains(t, err, "see config_dump.json")
}

func raws(path []hop.Record) []string {
	var out []string
	for _, r := range path {
		out = append(out, r.Line.Raw)
	}
	return out
}

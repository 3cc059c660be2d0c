package accesslog

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sample is what a line of testdata must be read as; Raw is the line itself.
const productpage = "outbound|9080||productpage.bookinfo.svc.cluster.local"
const mongodb = "outbound|27017||mongodb.bookinfo.svc.cluster.local"

func at(clock string) time.Time {
	t, err := time.Parse(time.RFC3339, "2026-11-21T"+clock+"Z")
	if err != nil {
		return time.Time{}
	}
	return t
}

// http sets the fields that all HTTP lines of the samples have in common.
func http(l Line) Line {
	l.Format, l.ConnectionTermination, l.UpstreamTransportFailure = Text, "-", "-"
	return l
}

// tcp sets the fields that all TCP lines of the samples have in common.
func tcp(l Line) Line {
	l.Method, l.Path, l.Protocol, l.Details, l.UpstreamServiceTime = "-", "-", "-", "-", "-"
	l.ForwardedFor, l.UserAgent, l.RequestID, l.Authority, l.RouteName = "-", "-", "-", "-", "-"
	return http(l)
}

func samples() map[string][]Line {
	old := Line{Format: OldText, Start: time.Date(2020, 7, 22, 0, 38, 16, 510e6, time.UTC),
		Method: "-", Path: "-", Protocol: "-", Flags: "-", MixerStatus: "-", UpstreamTransportFailure: "-",
		BytesReceived: 1536, BytesSent: 3960, Duration: 24, UpstreamServiceTime: "-",
		ForwardedFor: "-", UserAgent: "-", RequestID: "-", Authority: "-",
		UpstreamCluster: "outbound|27018||my-mongo.tcp.svc", UpstreamLocal: "-", DownstreamLocal: "-"}
	whole := old
	whole.UpstreamHost, whole.UpstreamLocal = "13.58.124.191:27018", "10.130.0.166:43250"
	whole.DownstreamLocal, whole.DownstreamRemote, whole.SNI, whole.RouteName = "10.130.0.166:15666", "10.130.0.170:54548", "-", "-"
	return map[string][]Line{
		"istio-1.31.txt":       append(httpSamples(), tcpSamples()...),
		"istio-1.31-mongo.txt": mongoSamples(),
		"istio-1.4.txt":        {old, whole},
		"istio-json.txt":       jsonSamples(),
	}
}

func httpSamples() []Line {
	return []Line{
		http(Line{Start: at("11:21:23.261"), Method: "GET", Path: "/productpage", Protocol: "HTTP/2", Status: 200, Flags: "-", Details: "via_upstream",
			BytesSent: 478, Duration: 2, UpstreamServiceTime: "1", ForwardedFor: "10.244.0.1", UserAgent: "curl/7.88.1",
			RequestID: "28776b4a-89f7-4d49-8b1f-7a5ab105cfa5", Authority: "api.example.com", UpstreamHost: "10.244.0.6:9080", UpstreamCluster: productpage,
			UpstreamLocal: "10.244.0.8:46744", DownstreamLocal: "10.244.0.8:443", DownstreamRemote: "10.244.0.1:3100", SNI: "api.example.com", RouteName: "-"}),
		http(Line{Start: at("11:21:23.273"), Method: "GET", Path: "/nothing", Protocol: "HTTP/2", Status: 404, Flags: "NR", Details: "route_not_found",
			UpstreamServiceTime: "-", ForwardedFor: "10.244.0.1", UserAgent: "curl/7.88.1",
			RequestID: "e88c9987-f650-4e42-838b-727b9f859847", Authority: "api.example.com", UpstreamHost: "-", UpstreamCluster: "-",
			UpstreamLocal: "-", DownstreamLocal: "10.244.0.8:443", DownstreamRemote: "10.244.0.1:8365", SNI: "api.example.com", RouteName: "-"}),
		http(Line{Start: at("11:21:23.279"), Method: "GET", Path: "/productpage?a=b", Protocol: "HTTP/1.1", Status: 301, Flags: "-", Details: "direct_response",
			UpstreamServiceTime: "-", ForwardedFor: "10.244.0.1", UserAgent: "curl/7.88.1",
			RequestID: "9e30760d-1b2f-41e2-9153-f6077e686bbc", Authority: "api.example.com", UpstreamHost: "-", UpstreamCluster: "-",
			UpstreamLocal: "-", DownstreamLocal: "10.244.0.8:80", DownstreamRemote: "10.244.0.1:52552", SNI: "-", RouteName: "-"}),
		http(Line{Start: at("11:21:23.287"), Method: "OPTIONS", Path: "/productpage", Protocol: "HTTP/2", Status: 200, Flags: "-", Details: "cors_response",
			UpstreamServiceTime: "-", ForwardedFor: "10.244.0.1", UserAgent: "curl/7.88.1",
			RequestID: "5e22b898-58a3-46d8-95b4-1dbdbf01a090", Authority: "api.example.com", UpstreamHost: "-", UpstreamCluster: productpage,
			UpstreamLocal: "-", DownstreamLocal: "10.244.0.8:443", DownstreamRemote: "10.244.0.1:3096", SNI: "api.example.com", RouteName: "-"}),
		http(Line{Start: at("11:21:23.262"), Method: "GET", Path: "/productpage", Protocol: "HTTP/1.1", Status: 200, Flags: "-", Details: "via_upstream",
			BytesSent: 478, UpstreamServiceTime: "0", ForwardedFor: "10.244.0.1", UserAgent: "curl/7.88.1",
			RequestID: "28776b4a-89f7-4d49-8b1f-7a5ab105cfa5", Authority: "api.example.com", UpstreamHost: "10.244.0.6:9080", UpstreamCluster: "inbound|9080||",
			UpstreamLocal: "127.0.0.6:52772", DownstreamLocal: "10.244.0.6:9080", DownstreamRemote: "10.244.0.1:0",
			SNI: "outbound_.9080_._.productpage.bookinfo.svc.cluster.local", RouteName: "default"}),
		http(Line{Start: at("11:21:23.297"), Method: "GET", Path: "/", Protocol: "HTTP/1.1", Status: 502, Flags: "-", Details: "direct_response",
			UpstreamServiceTime: "-", ForwardedFor: "-", UserAgent: "Go-http-client/1.1",
			RequestID: "5caadf65-86ed-4bf5-9fbb-4f0d34cb9f4e", Authority: "10.244.0.129:9080", UpstreamHost: "-", UpstreamCluster: "-",
			UpstreamLocal: "-", DownstreamLocal: "10.244.0.129:9080", DownstreamRemote: "10.244.0.6:37950", SNI: "-", RouteName: "block_all"}),
		http(Line{Start: at("11:21:23.307"), Method: "GET", Path: "/", Protocol: "HTTP/1.1", Status: 502, Flags: "-", Details: "direct_response",
			UpstreamServiceTime: "-", ForwardedFor: "-", UserAgent: "Go-http-client/1.1",
			RequestID: "a1489978-b9b8-49fd-acf7-f39a7ac080e3", Authority: "10.244.0.129", UpstreamHost: "-", UpstreamCluster: "-",
			UpstreamLocal: "-", DownstreamLocal: "10.244.0.129:80", DownstreamRemote: "10.244.0.6:57224", SNI: "-", RouteName: "block_all"}),
	}
}

// mongoSamples: a session hop by hop through sidecar and egress gateway; no gateway to go
// to; a gateway that knows no such cluster yet; an SNI that no server has; the sidecar of
// the database, which is reached over mutual TLS.
func mongoSamples() []Line {
	const toGateway = "outbound|15666||mongo-egressgateway.istio-system.svc.cluster.local"
	unknown := tcp(Line{Start: at("19:43:07.053"), Flags: "NR", UpstreamHost: "-", UpstreamCluster: "-", UpstreamLocal: "-",
		DownstreamLocal: "10.244.226.243:27018", DownstreamRemote: "172.31.0.2:44568", SNI: "loss.mongo.example.com"})
	unknown.Details = "filter_chain_not_found"
	return []Line{
		tcp(Line{Start: at("19:45:38.758"), Flags: "-", BytesReceived: 1942, BytesSent: 2194, Duration: 47, UpstreamHost: "10.244.226.199:15666", UpstreamCluster: toGateway,
			UpstreamLocal: "10.244.226.252:35994", DownstreamLocal: "172.31.255.202:27018", DownstreamRemote: "10.244.226.252:48162", SNI: "-"}),
		tcp(Line{Start: at("19:45:38.759"), Flags: "-", BytesReceived: 1942, BytesSent: 2194, Duration: 46, UpstreamHost: "172.31.255.202:27018", UpstreamCluster: "outbound|27018||mongo.example.com",
			UpstreamLocal: "10.244.226.199:57620", DownstreamLocal: "10.244.226.199:15666", DownstreamRemote: "10.244.226.252:35994", SNI: "-"}),
		tcp(Line{Start: at("19:45:52.582"), Flags: "UH", UpstreamHost: "-", UpstreamCluster: toGateway, UpstreamLocal: "-",
			DownstreamLocal: "172.31.255.203:27018", DownstreamRemote: "10.244.226.252:56376", SNI: "-"}),
		tcp(Line{Start: at("19:45:59.570"), Flags: "NC", UpstreamHost: "-", UpstreamCluster: "-", UpstreamLocal: "-",
			DownstreamLocal: "10.244.226.255:15666", DownstreamRemote: "10.244.226.245:58534", SNI: "-"}),
		unknown,
		tcp(Line{Start: at("19:45:37.224"), Flags: "-", BytesReceived: 1251, BytesSent: 1845, Duration: 50, UpstreamHost: "10.244.226.251:27017", UpstreamCluster: "inbound|27017||",
			UpstreamLocal: "127.0.0.6:39532", DownstreamLocal: "10.244.226.251:27017", DownstreamRemote: "10.244.226.243:40912",
			SNI: "outbound_.27017_._.mongodb.bookinfo-mongo-ingress.svc.cluster.local"}),
	}
}

func tcpSamples() []Line {
	blocked := tcp(Line{Start: at("11:21:23.317"), Flags: "UH", Duration: 1, UpstreamHost: "-", UpstreamCluster: "BlackHoleCluster",
		UpstreamLocal: "-", DownstreamLocal: "10.244.0.129:9080", DownstreamRemote: "10.244.0.6:37958", SNI: "-"})
	between := http(Line{Start: at("11:21:23.329"), Method: "GET", Path: "/x", Protocol: "HTTP/1.1", Status: 200, Flags: "-", Details: "via_upstream",
		BytesSent: 400, Duration: 2, UpstreamServiceTime: "2", ForwardedFor: "-", UserAgent: "Go-http-client/1.1",
		RequestID: "37d1a85e-a943-4a0f-ac4c-fee6f177fb1e", Authority: "productpage:9080", UpstreamHost: "10.244.0.6:9080", UpstreamCluster: productpage,
		UpstreamLocal: "10.244.0.6:39342", DownstreamLocal: "10.96.22.142:9080", DownstreamRemote: "10.244.0.6:54868", SNI: "-", RouteName: "default"})
	session := tcp(Line{Start: at("11:20:54.410"), Flags: "-", BytesReceived: 314, BytesSent: 267, Duration: 29, UpstreamHost: "10.244.0.128:27017",
		UpstreamCluster: mongodb, UpstreamLocal: "10.244.0.8:45812", DownstreamLocal: "10.244.0.8:27018", DownstreamRemote: "10.244.0.1:19969", SNI: "mongo.example.com"})
	refused, longer := session, session
	refused.Start, refused.BytesReceived, refused.BytesSent, refused.Duration = at("11:21:01.965"), 0, 0, 1
	refused.UpstreamHost, refused.UpstreamLocal, refused.DownstreamRemote = "-", "-", "10.244.0.1:14515"
	longer.Start, longer.BytesReceived, longer.BytesSent, longer.Duration = at("11:20:54.418"), 1780, 1448, 21
	longer.UpstreamLocal, longer.DownstreamRemote = "10.244.0.8:45824", "10.244.0.1:1865"
	return []Line{blocked, between, refused, session, longer}
}

// jsonSamples say the same as two of the text lines.
func jsonSamples() []Line {
	ok, blocked := httpSamples()[0], tcpSamples()[0]
	ok.Format, blocked.Format = JSON, JSON
	blocked.Extra = map[string]string{"pod": `{"name":"a"}`, "team": "b"}
	return []Line{ok, blocked}
}

func testdata(t testing.TB, file string) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func TestParseReadsEveryFieldOfEverySample(t *testing.T) {
	for file, want := range samples() {
		t.Run(file, func(t *testing.T) {
			raw := testdata(t, file)
			require.Len(t, raw, len(want))
			for i, w := range want {
				w.Raw = raw[i]
				got, err := Parse(raw[i])
				require.NoError(t, err)
				assert.Equal(t, w, got, "line %d", i+1)
			}
		})
	}
}

func TestFormatWritesTextSamplesUnchanged(t *testing.T) {
	for _, file := range []string{"istio-1.31.txt", "istio-1.4.txt"} {
		for _, raw := range testdata(t, file) {
			l, err := Parse(raw)
			require.NoError(t, err)
			assert.Equal(t, raw, Format(l))
		}
	}
}

func TestFindByRequestID(t *testing.T) {
	lines, unparsed, err := Scan(strings.NewReader(strings.Join(testdata(t, "istio-1.31.txt"), "\n")))
	require.NoError(t, err)
	assert.Empty(t, unparsed)
	assert.Len(t, lines, 12)
	found := Find(lines, "28776b4a-89f7-4d49-8b1f-7a5ab105cfa5")
	require.Len(t, found, 2, "the gateway's line and the sidecar's")
	assert.Equal(t, productpage, found[0].UpstreamCluster)
	assert.Empty(t, Find(lines, "no such request"))
	assert.Empty(t, Find(append(lines, Line{}), ""), "no ID is the ID of no request")
}

func TestFindByUserAgentWhenTheGatewayChangedTheID(t *testing.T) {
	lines := []Line{
		{RequestID: "of-the-gateway", UserAgent: "meshgate-probe/1 (id-1)", Path: "/a"},
		{RequestID: "other", UserAgent: "meshgate-probe/1 (id-11)"},
		{RequestID: "another", UserAgent: "(id-1) something-else/1"},
	}
	found := Find(lines, "id-1")
	require.Len(t, found, 1)
	assert.Equal(t, "/a", found[0].Path)
}

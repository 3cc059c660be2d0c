package trace

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a gateway and the sidecar behind it sent of one request.
const answer = `[[
 {"traceId":"a1","id":"01","kind":"SERVER","tags":{"node_id":"router~10.1.0.4~gw-1.istio-system~istio-system.svc.cluster.local","upstream_cluster":"outbound|9080||productpage.shop"}},
 {"traceId":"a1","id":"02","parentId":"01","kind":"CLIENT","tags":{"node_id":"router~10.1.0.4~gw-1.istio-system~istio-system.svc.cluster.local","upstream_cluster":"outbound|9080||productpage.shop"}},
 {"traceId":"a1","id":"03","parentId":"02","kind":"SERVER","tags":{"node_id":"sidecar~10.1.0.5~productpage-v1-x.shop~shop.svc.cluster.local","upstream_cluster":"inbound|9080||"}},
 {"traceId":"a1","id":"04","parentId":"03","kind":"CLIENT","tags":{"node_id":"sidecar~10.1.0.5~productpage-v1-x.shop~shop.svc.cluster.local","upstream_cluster":"outbound|9080||details.shop"}},
 {"traceId":"a1","id":"05","parentId":"99","kind":"CLIENT","tags":{"node_id":"sidecar~10.1.0.5~productpage-v1-x.shop~shop.svc.cluster.local","upstream_cluster":"outbound|9080||reviews.shop"}}
]]`

func parsed(t *testing.T) Trace {
	t.Helper()
	traces, err := Parse([]byte(answer))
	require.NoError(t, err)
	require.Len(t, traces, 1)
	return traces[0]
}

func ids(spans []Span) string {
	var all []string
	for _, s := range spans {
		all = append(all, s.ID)
	}
	return strings.Join(all, " ")
}

func TestFromPicksSpansByProxy(t *testing.T) {
	trace := parsed(t)
	for want, p := range map[string]Proxy{
		"01 02": {Gateway: true, Namespace: "istio-system"},
		"03":    {Namespace: "shop", Workload: "productpage", Direction: Inbound},
		"04 05": {Namespace: "shop", Workload: "productpage", Direction: Outbound},
		"":      {Namespace: "shop", Workload: "page", Direction: Inbound},
	} {
		assert.Equal(t, want, ids(trace.From(p)), p)
	}
	assert.Empty(t, trace.From(Proxy{Gateway: true, Namespace: "istio"}), "a namespace with that prefix")
	assert.Empty(t, Trace{{ID: "06"}}.From(Proxy{Workload: "x", Direction: Inbound}), "a span that no proxy of Istio's sent")
}

func TestDescendsFollowsSeveralSpans(t *testing.T) {
	trace := parsed(t)
	gateway := trace.From(Proxy{Gateway: true, Namespace: "istio-system"})
	assert.True(t, trace.Descends(trace[3], gateway))
	assert.True(t, trace.Descends(trace[2], gateway))
	assert.True(t, trace.Descends(trace[1], gateway))
	assert.False(t, trace.Descends(trace[0], gateway), "the root has no ancestor")
	assert.False(t, trace.Descends(trace[4], gateway), "its parent is not known")
	assert.False(t, trace.Descends(trace[3], nil))
}

func TestDescendsStopsOnCyclicParents(t *testing.T) {
	circle := Trace{{ID: "01", ParentID: "02"}, {ID: "02", ParentID: "01"}}
	assert.False(t, circle.Descends(circle[0], []Span{{ID: "03"}}))
}

func TestSendersSummarizesSpans(t *testing.T) {
	assert.Equal(t, "no span", Trace{}.Senders())
	inbound := parsed(t)[2]
	assert.Equal(t, "2 of sidecar productpage-v1-x.shop to inbound|9080||; 1 of a proxy without node_id to ", Trace{inbound, {ID: "06"}, inbound}.Senders())
	assert.Equal(t, "the gateway", Proxy{Gateway: true}.String())
	assert.Equal(t, "productpage's sidecar, outbound", Proxy{Workload: "productpage", Direction: Outbound}.String())
}

func TestParseRefusesOtherJSON(t *testing.T) {
	_, err := Parse([]byte(`{"error":"x"}`))
	assert.ErrorContains(t, err, "Zipkin")
}

package mesh

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sample reads an answer that a real istiod gave.
func sample(t *testing.T, name string) []ProxyStatus {
	body, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	got, err := ParseSyncz("istiod-0", body)
	require.NoError(t, err)
	return got
}

func states(p ProxyStatus) map[string]SyncState {
	out := map[string]SyncState{}
	for t, s := range p.Types {
		out[t] = s.State
	}
	return out
}

func TestSynczOfAGatewayWithoutRoutes(t *testing.T) {
	for _, version := range []string{"1.31", "1.22"} {
		var gateway ProxyStatus
		for _, p := range sample(t, "syncz-"+version+".json") {
			if p.Namespace == "istio-system" {
				gateway = p
			}
		}
		assert.Regexp(t, `^istio-(in|e)gressgateway-`, gateway.Proxy)
		assert.Equal(t, "router", gateway.Type)
		assert.Contains(t, gateway.Version, version)
		assert.Equal(t, "istiod-0", gateway.Istiod)
		assert.Equal(t, Synced, gateway.Types[CDS].State)
		assert.Equal(t, NotSent, gateway.Types[ECDS].State)
		assert.NoError(t, gateway.Check(), "nothing to send of a type is no fault")
	}
}

func TestSynczOfASidecar(t *testing.T) {
	for _, version := range []string{"1.31", "1.22"} {
		var sidecar ProxyStatus
		for _, p := range sample(t, "syncz-"+version+".json") {
			if p.Namespace == "mesh-dev" {
				sidecar = p
			}
		}
		assert.Equal(t, "app", sidecar.Proxy)
		assert.Equal(t, map[string]SyncState{CDS: Synced, LDS: Synced, EDS: Synced, RDS: Synced, ECDS: NotSent}, states(sidecar))
		assert.NoError(t, sidecar.Check())
	}
}

func TestSynczOfAProxyThatRefused(t *testing.T) {
	p := sample(t, "syncz-1.31-refused.json")[0]
	assert.Equal(t, Stale, p.Types[LDS].State)
	assert.False(t, p.Types[LDS].SentAt.IsZero())
	err := p.Check()
	assert.ErrorContains(t, err, "proxy mesh-dev/app: want SYNCED, got LDS rejected by the proxy: Error adding/updating listener(s)")
	assert.Less(t, len(err.Error()), 400)
	assert.Greater(t, len(p.Types[LDS].Error), 400, "the whole reason stays in the status")

	old := sample(t, "syncz-1.22-refused.json")[0]
	assert.EqualError(t, old.Check(), "proxy mesh-dev/app: want SYNCED, got LDS STALE", "1.22 does not say that it was refused")
}

func TestSynczStates(t *testing.T) {
	parse := func(text string) ProxyStatus {
		got, err := ParseSyncz("i", []byte("["+text+"]"))
		require.NoError(t, err)
		return got[0]
	}
	fresh := parse(`{"proxy":"a.shop"}`)
	assert.EqualError(t, fresh.Check(), "proxy shop/a: want SYNCED, got CDS NOT SENT, LDS NOT SENT")
	late := parse(`{"proxy":"a.shop","cluster_sent":"2","cluster_acked":"1","listener_sent":"2","listener_acked":"2","route_sent":"3"}`)
	assert.EqualError(t, late.Check(), "proxy shop/a: want SYNCED, got CDS STALE, RDS STALE")
	other := parse(`{"proxy":"a.shop","cluster_sent":"2","cluster_acked":"2","listener_sent":"2","listener_acked":"2",
		"resources":{"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret":{"sent":"9","lastError":"bad key"},
		             "istio.workload.Address":{"sent":"4"}}}`)
	assert.NoError(t, other.Check(), "a refused secret is its own host's trouble")
	assert.Equal(t, "bad key", other.Types["Secret"].Error, "and is told all the same")
	assert.Len(t, other.Types, 6, "unknown types count only when they were refused")
}

func TestProxyStatusIsEvidence(t *testing.T) {
	text, err := json.Marshal(sample(t, "syncz-1.31.json")[0])
	require.NoError(t, err)
	assert.Contains(t, string(text), `"state":"SYNCED"`)
	var back ProxyStatus
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, sample(t, "syncz-1.31.json")[0], back)
}

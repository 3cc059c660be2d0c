package suite

import (
	"testing"

	"meshgate/framework/mesh"

	"github.com/stretchr/testify/assert"
)

func TestWhatTheMeshStandsOnIsKnownToHaveChanged(t *testing.T) {
	before := surroundings{"kube-system/coredns-1": "a, 0 restarts, ready true", "istio-system/istiod-1": "b, 0 restarts, ready true"}
	with := func(name, state string) surroundings {
		after := surroundings{}
		for k, v := range before {
			after[k] = v
		}
		if after[name] = state; state == "" {
			delete(after, name)
		}
		return after
	}
	assert.NoError(t, before.disturbed(with("kube-system/coredns-1", "a, 0 restarts, ready true")))
	assert.EqualError(t, before.disturbed(with("istio-system/istiod-1", "")), "pod istio-system/istiod-1 has gone")
	assert.EqualError(t, before.disturbed(with("istio-system/istiod-2", "c, 0 restarts, ready true")), "pod istio-system/istiod-2 has come")
	assert.ErrorContains(t, before.disturbed(with("kube-system/coredns-1", "a, 1 restarts, ready true")), "pod kube-system/coredns-1 was a, 0 restarts")
}

func TestGatewaysThatFeaturesStopAreNoSurroundings(t *testing.T) {
	m := &mesh.Mesh{Ingress: mesh.Gateway{Selector: map[string]string{"istio": "ingressgateway"}}}
	for _, c := range []struct {
		labels map[string]string
		want   bool
	}{
		{map[string]string{"istio": "ingressgateway"}, true},
		{map[string]string{"istio": "pilot", "app": "istiod"}, true},
		{map[string]string{"istio": "egressgateway"}, false},
		{map[string]string{"app": "meshgate-tracing"}, false},
	} {
		assert.Equal(t, c.want, ours(m, c.labels), c.labels)
	}
}

package suite

import (
	"strings"
	"testing"

	"meshgate/framework/mesh"
	"meshgate/framework/testbed"

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

func TestASuiteWaitsForItsOwnProxiesAndForSharedGateways(t *testing.T) {
	gateway := func(name string) mesh.Gateway { return mesh.Gateway{Namespace: "istio-system", Name: name} }
	s := &suiteRun{
		suite:  Suite{Name: "s", Namespaces: []string{"bookinfo"}, Gateways: []mesh.GatewaySpec{{Name: "mine"}}},
		bed:    &testbed.Bed{Mesh: &mesh.Mesh{Ingress: gateway("ingress"), Others: map[string]mesh.Gateway{"mine": gateway("mine"), "theirs": gateway("theirs")}}},
		shared: &Env{names: map[string]string{"bookinfo": "bookinfo-s"}},
	}
	for proxy, want := range map[string]bool{
		"bookinfo-s/agent-1-a":        true,
		"bookinfo-t/agent-1-a":        false,
		"istio-system/ingress-1-a":    true,
		"istio-system/mine-1-a":       true,
		"istio-system/theirs-1-a":     false,
		"istio-system/theirs-too-1-a": true, // nobody's that is known
	} {
		namespace, pod, _ := strings.Cut(proxy, "/")
		assert.Equal(t, want, s.concerned()(mesh.ProxyStatus{Namespace: namespace, Proxy: pod}), proxy)
	}
}

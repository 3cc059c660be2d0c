package runner

import (
	"maps"
	"meshgate/framework/suite"
	"strings"
	"testing"
	"time"

	"meshgate/framework/mesh"
	"meshgate/framework/testbed"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
)

func TestWhatTheMeshStandsOnIsKnownToHaveChanged(t *testing.T) {
	began := time.Date(2026, 11, 22, 22, 24, 39, 0, time.UTC)
	before := infraState{"kube-system/coredns-1": {"a, 0 restarts, ready true", began.Add(-endpointLag)}, "istio-system/istiod-1": {state: "b, 0 restarts, ready true"}}
	with := func(name string, is podState) infraState {
		after := maps.Clone(before)
		after[name] = is
		return after
	}
	gone := maps.Clone(before)
	delete(gone, "istio-system/istiod-1")
	assert.NoError(t, before.disturbed(maps.Clone(before), began))
	assert.EqualError(t, before.disturbed(gone, began), "pod istio-system/istiod-1 has gone")
	assert.EqualError(t, before.disturbed(with("istio-system/istiod-2", podState{state: "c, 0 restarts, ready true"}), began), "pod istio-system/istiod-2 has come")
	assert.ErrorContains(t, before.disturbed(with("kube-system/coredns-1", podState{state: "a, 1 restarts, ready true"}), began), "pod kube-system/coredns-1 was a, 0 restarts")
	assert.EqualError(t, before.disturbed(before, began.Add(-time.Second)), "pod kube-system/coredns-1 became ready at 2026-11-22T22:24:29Z, less than 10s before",
		"its Service may not have led to it yet")
}

func TestAPodThatHasJustBeenMadeIsNotReady(t *testing.T) {
	ready := corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
	assert.Equal(t, ", 0 restarts, ready true", stateOf(ready))
	assert.Equal(t, ", 0 restarts, ready false", stateOf(corev1.Pod{}))
}

func TestGatewaysThatFeaturesStopAreNotPartOfTheInfrastructureState(t *testing.T) {
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
		assert.Equal(t, c.want, ofTheMesh(m, c.labels), c.labels)
	}
}

func TestASuiteWaitsForItsOwnProxiesAndForSharedGateways(t *testing.T) {
	gateway := func(name string) mesh.Gateway { return mesh.Gateway{Namespace: "istio-system", Name: name} }
	s := &suiteRun{
		suite:  suite.Suite{Name: "s", Namespaces: []string{"bookinfo"}, Gateways: []mesh.GatewaySpec{{Name: "mine"}}},
		bed:    &testbed.Bed{Mesh: &mesh.Mesh{Ingress: gateway("ingress"), Others: map[string]mesh.Gateway{"mine": gateway("mine"), "theirs": gateway("theirs")}}},
		shared: &environment{names: map[string]string{"bookinfo": "bookinfo-s"}},
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

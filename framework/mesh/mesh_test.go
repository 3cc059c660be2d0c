package mesh_test

import (
	"errors"
	"testing"

	"meshgate/framework/mesh"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func gateway() mesh.Gateway {
	return mesh.Gateway{Namespace: "istio-system", Name: "istio-ingressgateway", Host: "172.18.255.200", Ports: map[int]int{80: 80, 443: 31443}}
}

func TestGatewayAddress(t *testing.T) {
	got, err := gateway().Address(443)
	require.NoError(t, err)
	assert.Equal(t, "172.18.255.200:31443", got)

	v6 := gateway()
	v6.Host = "fd00::1"
	got, err = v6.Address(80)
	require.NoError(t, err)
	assert.Equal(t, "[fd00::1]:80", got)
}

func TestGatewayAddressSaysWhatIsMissing(t *testing.T) {
	_, err := gateway().Address(27017)
	assert.EqualError(t, err, "gateway istio-system/istio-ingressgateway: want port 27017, its Service has 80, 443")

	unreachable := gateway()
	unreachable.Host = ""
	_, err = unreachable.Address(80)
	assert.ErrorContains(t, err, "want an address reachable from this machine")

	portless := gateway()
	portless.Ports = nil
	_, err = portless.Address(80)
	assert.ErrorContains(t, err, "its Service has none")

	_, err = mesh.Gateway{}.Address(80)
	assert.ErrorContains(t, err, "the mesh has none of this kind")
	assert.False(t, mesh.Gateway{}.Present())
}

func TestGatewayServiceIsItsNameInTheCluster(t *testing.T) {
	assert.Equal(t, "istio-ingressgateway.istio-system.svc.cluster.local", gateway().Service())
}

func TestHasReturnsTheReason(t *testing.T) {
	reason := errors.New("no tracing provider")
	m := &mesh.Mesh{Flavour: "istio", Capabilities: map[mesh.Capability]error{mesh.TCPRouting: nil, mesh.Tracing: reason}}
	assert.NoError(t, m.Has(mesh.TCPRouting))
	assert.ErrorIs(t, m.Has(mesh.Tracing), reason)
	assert.EqualError(t, m.Has(mesh.Tracing), "capability Tracing: no tracing provider")
	assert.EqualError(t, m.Has(mesh.LoadBalancer), "capability LoadBalancer: the istio flavour does not say whether it has it")
}

func TestMemberLabelsFollowTheRevision(t *testing.T) {
	assert.Equal(t, map[string]string{"istio-injection": "enabled"}, mesh.MemberLabels(""))
	assert.Equal(t, map[string]string{"istio.io/rev": "1-22"}, mesh.MemberLabels("1-22"))
	assert.Equal(t, "default", mesh.RevisionName(""))
	assert.Equal(t, "1-22", mesh.RevisionName("1-22"))
}

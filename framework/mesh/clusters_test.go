package mesh

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clusters is what Envoy's admin interface says, cut to what matters.
const clusters = `outbound|27018||mongo.example.com::observability_name::outbound|27018||mongo.example.com;
outbound|27018||mongo.example.com::default_priority::max_connections::4294967295
outbound|27018||mongo.example.com::172.20.255.1:27018::cx_active::1
outbound|27018||mongo.example.com::172.20.255.1:27018::cx_connect_fail::0
outbound|27018||mongo.example.com::172.20.255.1:27018::cx_total::4
outbound|27018||mongo.example.com::172.20.255.1:27018::rq_active::2
outbound|27018||mongo.example.com::172.20.255.1:27018::rq_error::9
outbound|27018||mongo.example.com::172.20.255.2:27018::cx_total::3
outbound|27017||mongodb.a.svc.cluster.local::10.244.0.9:27017::cx_total::1
`

func TestParseClustersCountsConnectionsByClusterAndHost(t *testing.T) {
	all, err := ParseClusters(clusters)
	require.NoError(t, err)
	assert.Equal(t, []Upstream{
		{"outbound|27018||mongo.example.com", "172.20.255.1:27018", 4, 1, 2},
		{"outbound|27018||mongo.example.com", "172.20.255.2:27018", 3, 0, 0},
		{"outbound|27017||mongodb.a.svc.cluster.local", "10.244.0.9:27017", 1, 0, 0},
	}, all)
	assert.Equal(t, all[:2], Of(all, "outbound|27018||mongo.example.com"))
	assert.Equal(t, Upstream{Opened: 7, Open: 1, Active: 2}, Sum(all[:2]))
	assert.Empty(t, Of(all, "outbound|27018||mongo"), "whole names")
	_, err = ParseClusters("a::1.2.3.4:1::cx_total::many\n")
	assert.EqualError(t, err, `clusters of a proxy: cx_total of a at 1.2.3.4:1: want a number, got "many"`)
}

func TestProvidesNamesTheMissingGatewayOrPort(t *testing.T) {
	want := GatewaySpec{Name: "mongo-ingressgateway", Ports: []int{27017, 27018}}
	m := &Mesh{Others: map[string]Gateway{}}
	assert.EqualError(t, m.Provides(want), "gateway mongo-ingressgateway: no Service with label istio=mongo-ingressgateway")
	m.Others[want.Name] = Gateway{Namespace: "edge", Name: "mongo", Ports: map[int]int{27017: 27017, 443: 443}}
	assert.EqualError(t, m.Provides(want), "gateway edge/mongo: want port 27018, its Service has 443, 27017")
	m.Others[want.Name].Ports[27018] = 30018
	assert.NoError(t, m.Provides(want))
}

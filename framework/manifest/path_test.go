package manifest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCheckPathFollowsTheTypeOfTheKind(t *testing.T) {
	for _, path := range [][]string{
		{"VirtualService", "spec", "http", "0", "match", "0", "headers", "plan-type", "exact"},
		{"VirtualService", "metadata", "labels", "app"},
		{"DestinationRule", "spec", "trafficPolicy", "portLevelSettings", "0", "tls", "subjectAltNames", "1"},
		{"EnvoyFilter", "spec", "configPatches", "0", "patch", "value", "anything", "below", "it"},
		{"Deployment", "spec", "template", "spec", "containers", "0", "env", "0", "valueFrom", "secretKeyRef", "name"},
		{"Deployment", "spec", "template", "metadata", "annotations", "sidecar.istio.io/inject"},
		{"Service", "spec", "ports", "0", "targetPort"},
		{"Secret", "data", "tls.crt"},
		{"NetworkPolicy", "spec", "egress", "0", "to", "0", "ipBlock", "cidr"},
	} {
		assert.NoError(t, CheckPath(path[0], path[1:]...), path)
	}
}

func TestCheckPathNamesTheNearestField(t *testing.T) {
	for want, path := range map[string][]string{
		`VirtualService spec.htp: no such field; the nearest there is: "http"`:                                {"VirtualService", "spec", "htp", "0"},
		`VirtualService spec.http.first: want an index of the list, got "first"`:                              {"VirtualService", "spec", "http", "first"},
		`VirtualService spec.http.-1: want an index of the list`:                                              {"VirtualService", "spec", "http", "-1"},
		`VirtualService spec.http.0.timeout.seconds: nothing is below it`:                                     {"VirtualService", "spec", "http", "0", "timeout", "seconds"},
		`VirtualService spec.http.0.match.0.headers.plan.exakt: no such field; the nearest there is: "exact"`: {"VirtualService", "spec", "http", "0", "match", "0", "headers", "plan", "exakt"},
		`VirtualService specs: no such field; the nearest there is: "spec"`:                                   {"VirtualService", "specs"},
		`VirtualService metadata.nmae: no such field; the nearest there is: "name"`:                           {"VirtualService", "metadata", "nmae"},
		`Deployment spec.template.spec.container: no such field; the nearest there is: "containers"`:          {"Deployment", "spec", "template", "spec", "container"},
		`Service spec.ports.0.targetPort.x: nothing is below it`:                                              {"Service", "spec", "ports", "0", "targetPort", "x"},
		`kind VirtualServce is not known; the nearest there is: "VirtualService"`:                             {"VirtualServce", "spec"},
		`no path is given`: {"Service"},
	} {
		assert.ErrorContains(t, CheckPath(path[0], path[1:]...), want)
	}
}

func TestAnEditIsCheckedWithoutObjects(t *testing.T) {
	assert.NoError(t, SetField("Gateway", "g", 1, "spec", "servers", "0").Check())
	assert.NoError(t, Labels(nil).Check(), "of this one nothing can be said")
	assert.EqualError(t, SetField("Gateway", "g", 1, "spec", "srvers", "0").Check(),
		`edit SetField Gateway g spec.srvers.0: Gateway spec.srvers: no such field; the nearest there is: "servers"`)
	assert.ErrorContains(t, RemoveField("Gateway", "g", "spec", "sever").Check(), "no such field")
}

func ExampleCheckPath() {
	fmt.Println(CheckPath("VirtualService", "spec", "http", "0", "route"))
	fmt.Println(CheckPath("VirtualService", "spec", "htp", "0", "route"))
	// Output:
	// <nil>
	// VirtualService spec.htp: no such field; the nearest there is: "http"
}

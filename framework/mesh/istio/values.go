package istio

import (
	"fmt"
	"strings"

	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/mesh/ready"
)

// The requests leave room on a node of two cores that also runs Kubernetes, and
// a second control plane. They are the weights too by which a busy machine shares its
// processors: everybody waits for istiod, and then for the gateways.
func requests(cpu, memory string) map[string]any {
	return map[string]any{"requests": map[string]any{"cpu": cpu, "memory": memory}}
}

// suffix is what a revision adds to names; Istio's charts do the same.
func suffix(revision string) string {
	if revision == "" {
		return ""
	}
	return "-" + revision
}

// The names of the releases, which are those of the Deployments too.
func istiodName(revision string) string  { return "istiod" + suffix(revision) }
func ingressName(revision string) string { return "istio-ingressgateway" + suffix(revision) }
func egressName(revision string) string  { return "istio-egressgateway" + suffix(revision) }

// gateways lists every gateway of the installation under its release's name: the two
// that are always there, with the chart's own ports, and those asked for beside them.
func gateways(o Options) map[string]mesh.GatewaySpec {
	all := map[string]mesh.GatewaySpec{
		ingressName(o.Revision): {},
		egressName(o.Revision):  {Egress: true},
	}
	for _, g := range o.Gateways {
		all[g.Name+suffix(o.Revision)] = g
	}
	return all
}

const baseName = "istio-base"

// baseValues: the CRDs are left to us, because several revisions share them, and
// because only so do they go away again with the last one.
func baseValues(namespace, defaultRevision string, crdNames []string) map[string]any {
	excluded := make([]any, 0, len(crdNames))
	for _, n := range crdNames {
		excluded = append(excluded, n)
	}
	return map[string]any{
		"defaultRevision": mesh.RevisionName(defaultRevision),
		"global":          map[string]any{"istioNamespace": namespace},
		"base":            map[string]any{"excludedCRDs": excluded},
	}
}

// istiodValues: what spec.md needs of the mesh (REGISTRY_ONLY, access log, a tracing
// provider that no workload uses until a Telemetry names it), what a small cluster
// needs, what a substitute Envoy needs, and last what the user wants.
func istiodValues(s stock, o Options) map[string]any {
	v := map[string]any{
		"revision": o.Revision,
		"global": map[string]any{
			"hub": s.hub, "tag": s.tag,
			"istioNamespace":             o.Namespace,
			"imagePullPolicy":            "IfNotPresent",
			"defaultPodDisruptionBudget": map[string]any{"enabled": false},
			"proxy":                      proxyValues(),
		},
		"pilot": map[string]any{
			"autoscaleEnabled": false,
			"resources":        requests("200m", "128Mi"),
			// Without this istiod leaves GatewayClasses behind on a cluster that
			// has the Gateway API's CRDs.
			"env": map[string]any{"PILOT_ENABLE_GATEWAY_API_GATEWAYCLASS_CONTROLLER": "false"},
		},
		"meshConfig": map[string]any{
			"accessLogFile":         "/dev/stdout",
			"outboundTrafficPolicy": map[string]any{"mode": "REGISTRY_ONLY"},
			"extensionProviders":    []any{tracingProvider(o.Namespace)},
		},
	}
	if s.substitute != "" {
		v = manifest.Merge(v, withoutIstioFilters())
	}
	return manifest.Merge(v, o.Values)
}

// tracingProvider names a Service that need not be there: a suite brings it along.
func tracingProvider(namespace string) map[string]any {
	return map[string]any{
		"name":   mesh.TracingProvider,
		"zipkin": map[string]any{"service": mesh.TracingService(namespace), "port": mesh.TracingPort},
	}
}

// proxyValues: Istio's charts look at a gateway every 15 seconds, which is how
// long one that was not ready at the first look has to wait. The tolerance of a
// minute stays.
func proxyValues() map[string]any {
	return map[string]any{
		"resources":                 requests("10m", "64Mi"),
		"readinessPeriodSeconds":    1,
		"readinessFailureThreshold": 60,
	}
}

// withoutIstioFilters keeps istiod from configuring filters that only Istio's
// build of Envoy has; any other build refuses all of its configuration for them.
func withoutIstioFilters() map[string]any {
	return map[string]any{
		"pilot": map[string]any{"env": map[string]any{
			"PILOT_ENABLE_ALPN_FILTER":       "false",
			"PILOT_ENABLE_METADATA_EXCHANGE": "false",
		}},
		"telemetry":  map[string]any{"enabled": false},
		"meshConfig": map[string]any{"defaultProviders": map[string]any{"metrics": []any{}}},
	}
}

// gatewayValues: names and pod labels follow from the release's name.
func gatewayValues(g mesh.GatewaySpec, revision string) map[string]any {
	service := map[string]any{"type": "LoadBalancer"}
	if g.Egress {
		service["type"] = "ClusterIP"
	}
	if len(g.Ports) > 0 {
		service["ports"] = servicePorts(g.Ports)
	}
	values := map[string]any{
		"revision":        revision,
		"imagePullPolicy": "IfNotPresent",
		"autoscaling":     map[string]any{"enabled": false},
		"replicaCount":    1,
		"resources":       requests("40m", "64Mi"),
		"service":         service,
	}
	if len(g.Secrets) > 0 {
		values["volumes"], values["volumeMounts"] = secretFiles(g.Secrets)
	}
	if proxy := proxyConfig(g); proxy != "" {
		values["podAnnotations"] = map[string]any{"proxy.istio.io/config": proxy}
	}
	return values
}

// secretFiles mounts secrets where Istio's documentation has them, /etc/secrets/<name>.
func secretFiles(names []string) (volumes, mounts []any) {
	for _, n := range names {
		volumes = append(volumes, map[string]any{"name": n, "secret": map[string]any{"secretName": n, "optional": true}})
		mounts = append(mounts, map[string]any{"name": n, "mountPath": "/etc/secrets/" + n, "readOnly": true})
	}
	return volumes, mounts
}

// proxyConfig is what a gateway's Envoy has otherwise than the chart has it.
func proxyConfig(g mesh.GatewaySpec) string {
	var fields []string
	if g.Name != "" {
		// A suite has a gateway of its own in order to stop it: nobody needs its five
		// seconds of grace.
		fields = append(fields, "terminationDrainDuration: 1s")
	}
	if g.Egress {
		// With more than one worker no limit on connections is exact.
		fields = append(fields, "concurrency: 1")
	}
	if len(fields) == 0 {
		return ""
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// servicePorts takes the place of the chart's own, among which is the gateway's health.
func servicePorts(tcp []int) []any {
	ports := []any{map[string]any{"name": "status-port", "port": ready.StatusPort, "targetPort": ready.StatusPort, "protocol": "TCP"}}
	for _, p := range tcp {
		ports = append(ports, map[string]any{"name": fmt.Sprintf("tcp-%d", p), "port": p, "targetPort": p, "protocol": "TCP"})
	}
	return ports
}

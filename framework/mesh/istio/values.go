package istio

import (
	"fmt"
	"strings"

	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/mesh/ready"
)

// requests leave room on a node with two cores for Kubernetes and a second control plane.
// They are also the weights by which a busy node shares its CPUs: all proxies wait for
// istiod, and requests wait for the gateways.
func requests(cpu, memory string) map[string]any {
	return map[string]any{"requests": map[string]any{"cpu": cpu, "memory": memory}}
}

// suffix is appended to names in a revision, as Istio's charts do.
func suffix(revision string) string {
	if revision == "" {
		return ""
	}
	return "-" + revision
}

// The names of the releases, which are also those of the Deployments.
func istiodName(revision string) string  { return "istiod" + suffix(revision) }
func ingressName(revision string) string { return "istio-ingressgateway" + suffix(revision) }
func egressName(revision string) string  { return "istio-egressgateway" + suffix(revision) }

// gateways lists every gateway of the installation by release name: the two shared ones with
// the ports of the chart, and the additional ones.
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

// baseValues excludes the CRDs from the chart: several revisions share them, and meshgate
// deletes them with the last one.
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

// istiodValues sets what the suites need (REGISTRY_ONLY, access log, a tracing provider that
// no workload uses until a Telemetry names it), what a small cluster and a substitute Envoy
// need, and last the user's values.
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

// tracingProvider names a Service that need not exist: a suite deploys it.
func tracingProvider(namespace string) map[string]any {
	return map[string]any{
		"name":   mesh.TracingProvider,
		"zipkin": map[string]any{"service": mesh.TracingService(namespace), "port": mesh.TracingPort},
	}
}

// proxyValues shortens the readiness interval: with the 15 seconds of Istio's charts a
// gateway that is not ready at the first probe waits that long. It keeps the tolerance of one
// minute.
func proxyValues() map[string]any {
	return map[string]any{
		"resources":                 requests("10m", "64Mi"),
		"readinessPeriodSeconds":    1,
		"readinessFailureThreshold": 60,
	}
}

// withoutIstioFilters keeps istiod from configuring filters that only Istio's build of Envoy
// has. Any other build would reject the whole configuration.
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

// gatewayValues leaves out the name and the pod labels: they follow from the name of the
// release.
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

// secretFiles mounts secrets at /etc/secrets/<name>.
func secretFiles(names []string) (volumes, mounts []any) {
	for _, n := range names {
		volumes = append(volumes, map[string]any{"name": n, "secret": map[string]any{"secretName": n, "optional": true}})
		mounts = append(mounts, map[string]any{"name": n, "mountPath": "/etc/secrets/" + n, "readOnly": true})
	}
	return volumes, mounts
}

// proxyConfig has the settings in which a gateway's Envoy differs from the chart.
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

// servicePorts replaces the ports of the chart, which include the gateway's health port.
func servicePorts(tcp []int) []any {
	ports := []any{map[string]any{"name": "status-port", "port": ready.StatusPort, "targetPort": ready.StatusPort, "protocol": "TCP"}}
	for _, p := range tcp {
		ports = append(ports, map[string]any{"name": fmt.Sprintf("tcp-%d", p), "port": p, "targetPort": p, "protocol": "TCP"})
	}
	return ports
}

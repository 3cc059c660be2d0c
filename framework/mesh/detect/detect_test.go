package detect_test

import (
	"context"
	"errors"
	"testing"

	"meshgate/framework/kube"
	"meshgate/framework/mesh"
	"meshgate/framework/mesh/detect"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
)

func istiod(ns, name, rev, image string) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name,
		Labels: map[string]string{"app": "istiod", "istio.io/rev": rev}}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "helper", Image: "helper:9.9"}, {Name: "discovery", Image: image}}
	d.Status.AvailableReplicas = 1
	return d
}

func found(t *testing.T, objs ...runtime.Object) []detect.ControlPlane {
	all, err := detect.ControlPlanes(t.Context(), fake.NewClientset(objs...))
	require.NoError(t, err)
	return all
}

func TestChooseFindsTheOnlyControlPlaneInAnyNamespace(t *testing.T) {
	other := istiod("elsewhere", "web", "", "nginx:1.0")
	other.Labels["app"] = "web"
	cp, err := detect.Choose(found(t, istiod("mesh", "istiod", "default", "docker.io/istio/pilot:1.24.3-distroless"), other),
		detect.Choice{Namespace: "istio-system"})
	require.NoError(t, err)
	assert.Equal(t, detect.ControlPlane{Namespace: "mesh", Name: "istiod", Version: "1.24.3",
		Image: "docker.io/istio/pilot:1.24.3-distroless", Available: true}, cp)
}

func TestControlPlanesRecognizesThoseOfMeshgate(t *testing.T) {
	d := istiod("istio-system", "istiod", "default", "pilot:1.31.1")
	d.Labels[kube.OwnerLabel] = "mesh"
	assert.True(t, found(t, d)[0].Ours)
}

func TestChooseFailsWithoutControlPlane(t *testing.T) {
	_, err := detect.Choose(found(t), detect.Choice{Namespace: "istio-system"})
	require.ErrorIs(t, err, detect.ErrNoMesh)
	assert.ErrorContains(t, err, "app=istiod")
	assert.ErrorContains(t, err, "--mesh istio")
}

func TestChooseRequiresARevisionWhenThereAreSeveral(t *testing.T) {
	old := istiod("istio-system", "istiod-1-22", "1-22", "docker.io/istio/pilot:1.22.0")
	old.Status.AvailableReplicas = 0
	all := found(t, old, istiod("istio-system", "istiod", "default", "docker.io/istio/pilot:1.31.1"))

	_, err := detect.Choose(all, detect.Choice{Namespace: "istio-system"})
	require.ErrorIs(t, err, detect.ErrSeveral)
	assert.EqualError(t, err, "several meshes found: istio-system/istiod (revision default, image docker.io/istio/pilot:1.31.1), "+
		"istio-system/istiod-1-22 (revision 1-22, image docker.io/istio/pilot:1.22.0, not available): "+
		"choose with --revision, and with control_plane_namespace if their namespaces differ")

	cp, err := detect.Choose(all, detect.Choice{Revision: "1-22"})
	require.NoError(t, err)
	assert.Equal(t, "1.22.0", cp.Version)
	cp, err = detect.Choose(all, detect.Choice{Revision: "default"})
	require.NoError(t, err)
	assert.Equal(t, "istiod", cp.Name)

	_, err = detect.Choose(all, detect.Choice{Revision: "canary"})
	require.ErrorIs(t, err, detect.ErrNoMesh)
	assert.ErrorContains(t, err, `revision "canary": got only istio-system/istiod (`)
}

func TestChoosePrefersTheConfiguredNamespace(t *testing.T) {
	all := found(t, istiod("mesh-a", "istiod", "default", "pilot:1.30.0"), istiod("mesh-b", "istiod", "default", "pilot:1.31.1"))
	cp, err := detect.Choose(all, detect.Choice{Namespace: "mesh-b"})
	require.NoError(t, err)
	assert.Equal(t, "1.31.1", cp.Version)
}

func TestVersionOfReadsTheImageTag(t *testing.T) {
	for image, want := range map[string]string{
		"docker.io/istio/pilot:1.31.1":                       "1.31.1",
		"registry:5000/istio/pilot:1.22":                     "1.22",
		"registry:5000/istio/pilot":                          "",
		"docker.io/istio/pilot:1.30.0-rc.1":                  "1.30.0-rc.1",
		"docker.io/istio/pilot:1.24.3-distroless":            "1.24.3",
		"docker.io/istio/pilot:1.24.3@sha256:0123":           "1.24.3",
		"docker.io/istio/pilot@sha256:0123":                  "",
		"gcr.io/istio-testing/pilot:1.31-alpha.0123456789ab": "1.31",
		"docker.io/istio/pilot:latest":                       "",
	} {
		assert.Equal(t, want, detect.VersionOf(image), image)
	}
}

func config(t *testing.T, name, text string) (detect.Config, error) {
	k := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: name}, Data: map[string]string{"mesh": text}})
	revision := ""
	if name != "istio" {
		revision = "1-22"
	}
	return detect.MeshConfig(t.Context(), k, "istio-system", revision)
}

func capabilities(t *testing.T, text string, f detect.Findings) map[mesh.Capability]error {
	var err error
	f.Config, err = config(t, "istio", text)
	require.NoError(t, err)
	m := &mesh.Mesh{Flavour: "existing", Ingress: mesh.Gateway{Namespace: "istio-system"}, Egress: mesh.Gateway{Name: "istio-egressgateway"}}
	detect.Describe(m, f)
	for _, c := range mesh.Known() {
		assert.Contains(t, m.Capabilities, c)
	}
	return m.Capabilities
}

func TestDescribeGivesAFullMeshAllCapabilities(t *testing.T) {
	got := capabilities(t, `
accessLogFile: /dev/stdout
outboundTrafficPolicy: {mode: REGISTRY_ONLY}
defaultProviders: {metrics: [prometheus]}
extensionProviders:
- name: meshgate-tracing
  zipkin: {service: meshgate-tracing.istio-system.svc.cluster.local, port: 9411}
`, detect.Findings{})
	for c, reason := range got {
		assert.NoError(t, reason, c)
	}
}

const wantTracing = `meshConfig.extensionProviders: want "meshgate-tracing" with zipkin.service meshgate-tracing.istio-system.svc.cluster.local and port 9411`

func TestTracingRequiresTheSuitesCollector(t *testing.T) {
	for provider, got := range map[string]string{
		"{name: jaeger, zipkin: {service: zipkin.tracing, port: 9411}}":                                          "[jaeger]",
		"{name: meshgate-tracing, opentelemetry: {service: otel, port: 4317}}":                                   "a provider of that name that is not zipkin",
		"{name: meshgate-tracing, zipkin: {service: meshgate-tracing.mine.svc.cluster.local, port: 9411}}":       `meshgate-tracing.mine.svc.cluster.local, port 9411, path ""`,
		"{name: meshgate-tracing, zipkin: {service: meshgate-tracing.istio-system.svc.cluster.local, port: 80}}": `meshgate-tracing.istio-system.svc.cluster.local, port 80, path ""`,
	} {
		err := capabilities(t, "extensionProviders: ["+provider+"]", detect.Findings{})[mesh.Tracing]
		assert.EqualError(t, err, wantTracing+", got "+got)
	}
}

func TestDescribeGivesAReasonForEachMissingCapability(t *testing.T) {
	got := capabilities(t, "rootNamespace: istio-system", detect.Findings{
		Ground:       mesh.Ground{NetworkPolicy: errors.New("no policy agent")},
		LoadBalancer: errors.New("node ports are used"),
		Injection:    errors.New("no webhook"),
	})
	for c, want := range map[mesh.Capability]string{
		mesh.RegistryOnly:     "meshConfig.outboundTrafficPolicy.mode: want REGISTRY_ONLY, got ALLOW_ANY (the default)",
		mesh.AccessLog:        `meshConfig.accessLogFile: want /dev/stdout, got "", and no default access-log provider writes there`,
		mesh.Tracing:          wantTracing + ", got []",
		mesh.IstioMetrics:     "meshConfig.defaultProviders.metrics: want prometheus among them, got []",
		mesh.NetworkPolicy:    "no policy agent",
		mesh.LoadBalancer:     "node ports are used",
		mesh.SidecarInjection: "no webhook",
	} {
		assert.EqualError(t, got[c], want, c)
	}
	m := &mesh.Mesh{}
	detect.Describe(m, detect.Findings{})
	assert.ErrorContains(t, m.Capabilities[mesh.EgressGateway], "istio=egressgateway")
}

func TestAccessLogByADefaultProvider(t *testing.T) {
	got := capabilities(t, `
extensionProviders:
- name: mine
  envoyFileAccessLog: {path: /dev/stdout}
defaultProviders: {accessLogging: [mine]}
`, detect.Findings{})
	assert.NoError(t, got[mesh.AccessLog])
	got = capabilities(t, "defaultProviders: {accessLogging: [envoy]}", detect.Findings{})
	assert.NoError(t, got[mesh.AccessLog])
	got = capabilities(t, "defaultProviders: {accessLogging: [unknown]}", detect.Findings{})
	assert.Error(t, got[mesh.AccessLog])
}

func TestMetricsReportTheProxyBuildBeforeTheConfiguration(t *testing.T) {
	absent := errors.New("upstream Envoy")
	got := capabilities(t, "defaultProviders: {metrics: [prometheus]}", detect.Findings{Proxy: absent})
	assert.ErrorIs(t, got[mesh.IstioMetrics], absent)
}

func TestAccessLogFormatsAreFacts(t *testing.T) {
	c, err := config(t, "istio-1-22", "accessLogEncoding: JSON\naccessLogFormat: '%START_TIME%'")
	require.NoError(t, err)
	m := &mesh.Mesh{}
	detect.Describe(m, detect.Findings{Config: c})
	assert.Len(t, m.Facts, 2)
}

func TestMeshConfigErrorsNameTheConfigMap(t *testing.T) {
	_, err := config(t, "istio", "{")
	assert.ErrorContains(t, err, "ConfigMap istio-system/istio")
	_, err = detect.MeshConfig(t.Context(), fake.NewClientset(), "istio-system", "1-22")
	assert.ErrorContains(t, err, `"istio-1-22" not found`)
	k := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: "istio"}})
	_, err = detect.MeshConfig(t.Context(), k, "istio-system", "")
	assert.ErrorContains(t, err, `want key "mesh"`)
}

func admin(answers map[string]string) detect.Ask {
	return func(_ context.Context, path string) ([]byte, error) {
		if a, ok := answers[path]; ok {
			return []byte(a), nil
		}
		return nil, errors.New("refused")
	}
}

func TestExportsMetrics(t *testing.T) {
	const stats, info = "stats/prometheus?filter=istio_requests_total", "server_info"
	assert.NoError(t, detect.ExportsMetrics(t.Context(), admin(map[string]string{stats: `istio_requests_total{} 1`})))
	assert.NoError(t, detect.ExportsMetrics(t.Context(), admin(map[string]string{stats: "", info: `"envoy.filters.http.istio_stats"`})))
	assert.ErrorContains(t, detect.ExportsMetrics(t.Context(), admin(map[string]string{stats: "", info: `"envoy.filters.http.router"`})),
		"do not export istio_requests_total")
	assert.ErrorContains(t, detect.ExportsMetrics(t.Context(), admin(nil)), "ask the ingress gateway's proxy for istio_requests_total: refused")
	assert.ErrorContains(t, detect.ExportsMetrics(t.Context(), admin(map[string]string{stats: ""})), "for its extensions: refused")
}

func service(ns, name, role string, kind corev1.ServiceType, nodePort int32) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, Labels: map[string]string{"istio": role}},
		Spec: corev1.ServiceSpec{Type: kind, Selector: map[string]string{"istio": role},
			Ports: []corev1.ServicePort{{Port: 443, NodePort: nodePort}}},
	}
}

func TestGatewayServiceByLabel(t *testing.T) {
	k := fake.NewClientset(service("edge", "gw", "ingressgateway", corev1.ServiceTypeLoadBalancer, 0))
	s, err := detect.GatewayService(t.Context(), k, "ingressgateway", "istio-system")
	require.NoError(t, err)
	assert.Equal(t, mesh.Gateway{Namespace: "edge", Name: "gw", Selector: map[string]string{"istio": "ingressgateway"},
		Ports: map[int]int{443: 443}}, detect.Gateway(s))

	_, err = detect.GatewayService(t.Context(), k, "egressgateway", "istio-system")
	assert.True(t, apierrors.IsNotFound(err))
	assert.ErrorContains(t, err, "istio=egressgateway")
}

func TestGatewayServicePrefersTheControlPlanesNamespace(t *testing.T) {
	k := fake.NewClientset(
		service("edge", "gw", "ingressgateway", corev1.ServiceTypeLoadBalancer, 0),
		service("istio-system", "istio-ingressgateway", "ingressgateway", corev1.ServiceTypeLoadBalancer, 0))
	s, err := detect.GatewayService(t.Context(), k, "ingressgateway", "istio-system")
	require.NoError(t, err)
	assert.Equal(t, "istio-system", s.Namespace)
	_, err = detect.GatewayService(t.Context(), k, "ingressgateway", "mesh")
	assert.ErrorContains(t, err, "got edge/gw, istio-system/istio-ingressgateway")
}

func nodes() []corev1.Node {
	return []corev1.Node{{Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{
		{Type: corev1.NodeExternalIP, Address: "203.0.113.1"}, {Type: corev1.NodeInternalIP, Address: "172.18.0.2"}}}}}
}

func TestPlacesPreferTheLoadBalancer(t *testing.T) {
	s := service("istio-system", "gw", "ingressgateway", corev1.ServiceTypeLoadBalancer, 30443)
	s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "172.18.255.200"}, {Hostname: "lb.test"}}
	got, err := detect.Places(s, nodes(), false)
	require.NoError(t, err)
	assert.Equal(t, []detect.Place{
		{Host: "172.18.255.200", Ports: map[int]int{443: 443}, Balancer: true},
		{Host: "lb.test", Ports: map[int]int{443: 443}, Balancer: true}}, got)
	assert.NoError(t, got[0].Unbalanced())

	got, err = detect.Places(s, nodes(), true)
	require.NoError(t, err)
	assert.Len(t, got, 4)
}

func TestPlacesFallBackToNodePorts(t *testing.T) {
	got, err := detect.Places(service("istio-system", "gw", "ingressgateway", corev1.ServiceTypeLoadBalancer, 30443), nodes(), false)
	require.NoError(t, err)
	assert.Equal(t, []detect.Place{
		{Host: "172.18.0.2", Ports: map[int]int{443: 30443}},
		{Host: "203.0.113.1", Ports: map[int]int{443: 30443}}}, got)
	assert.ErrorContains(t, got[0].Unbalanced(), "node ports on 172.18.0.2 are used")
}

func TestPlacesErrorSaysWhyThereIsNone(t *testing.T) {
	_, err := detect.Places(service("a", "gw", "x", corev1.ServiceTypeClusterIP, 0), nodes(), true)
	assert.EqualError(t, err, "gateway a/gw: type of its Service: want LoadBalancer or NodePort, got ClusterIP, which is not reachable from outside the cluster")
	_, err = detect.Places(service("a", "gw", "x", corev1.ServiceTypeLoadBalancer, 0), nodes(), true)
	assert.ErrorContains(t, err, "want a load balancer address or node ports, got neither")
	_, err = detect.Places(service("a", "gw", "x", corev1.ServiceTypeNodePort, 30443), nil, true)
	assert.ErrorContains(t, err, "got 0 nodes without address")
}

func TestSelectorSortsLabels(t *testing.T) {
	assert.Equal(t, "app=gw,istio=ingressgateway", detect.Selector(map[string]string{"istio": "ingressgateway", "app": "gw"}))
}

package addons

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// calicoManifest has the shape of the upstream manifest in what we touch.
const calicoManifest = `
# a document of comments
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ippools.crd.example}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: calico-kube-controllers, namespace: kube-system}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: calico-kube-controllers, namespace: kube-system}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: calico-config, namespace: kube-system}
data:
  cni_network_config: |-
    {"name": "net", "plugins": [
      {"type": "calico", "mtu": __CNI_MTU__, "nodename": "__KUBERNETES_NODE_NAME__"},
      {"type": "portmap"},
      {"type": "bandwidth"}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec:
  template:
    metadata: {labels: {k8s-app: calico-node}}
    spec:
      hostNetwork: true
      initContainers:
      - {name: upgrade-ipam, image: "docker.io/calico/cni:v1"}
      - {name: install-cni, image: "docker.io/calico/cni:v1"}
      - {name: mount-bpffs, image: "docker.io/calico/node:v1"}
      containers:
      - name: calico-node
        image: docker.io/calico/node:v1
        env: [{name: DATASTORE_TYPE, value: kubernetes}]
        resources: {requests: {cpu: 250m}}
        readinessProbe: {exec: {command: [calico-node]}, periodSeconds: 10}
`

func held() []string { return []string{"docker.io/calico/node:v2", "docker.io/calico/cni:v2"} }

func pods(t *testing.T, o *unstructured.Unstructured) corev1.PodSpec {
	t.Helper()
	raw, found, err := unstructured.NestedMap(o.Object, "spec", "template", "spec")
	require.NoError(t, err)
	require.True(t, found)
	spec := corev1.PodSpec{}
	require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &spec))
	return spec
}

func TestCalico(t *testing.T) {
	objs, err := Calico([]byte(calicoManifest), "10.1.0.0/16", "node", "6443", held())
	require.NoError(t, err)
	require.Len(t, objs, 4, "the controllers and all of theirs are left out")
	host, _, err := unstructured.NestedString(objs[3].Object, "data", "KUBERNETES_SERVICE_HOST")
	require.NoError(t, err)
	assert.Equal(t, "node", host)
	spec := pods(t, objs[2])
	require.Len(t, spec.InitContainers, 1)
	assert.Equal(t, "install-cni", spec.InitContainers[0].Name)
	assert.Equal(t, "docker.io/calico/cni:v2", spec.InitContainers[0].Image, "what the bundle holds")
	c := spec.Containers[0]
	assert.Contains(t, c.Env, corev1.EnvVar{Name: "CALICO_IPV4POOL_CIDR", Value: "10.1.0.0/16"})
	assert.Equal(t, RequestCPU, c.Resources.Requests.Cpu().String())
	assert.Equal(t, "/readiness", c.ReadinessProbe.HTTPGet.Path)
	assert.Equal(t, corev1.PullIfNotPresent, c.ImagePullPolicy)
}

func TestCalicoKeepsThePlaceholdersOfItsNetworkConfiguration(t *testing.T) {
	objs, err := Calico([]byte(calicoManifest), "10.1.0.0/16", "node", "6443", held())
	require.NoError(t, err)
	text, _, err := unstructured.NestedString(objs[1].Object, "data", "cni_network_config")
	require.NoError(t, err)
	assert.Contains(t, text, "__CNI_MTU__,")
	assert.Contains(t, text, "__KUBERNETES_NODE_NAME__")
	assert.Contains(t, text, "portmap")
	assert.NotContains(t, text, "bandwidth")
	assert.True(t, json.Valid([]byte(strings.ReplaceAll(text, "__CNI_MTU__", "0"))), text)
}

func TestCalicoRefusesAnUnexpectedManifest(t *testing.T) {
	for name, c := range map[string]struct{ old, fresh, says string }{
		"no controllers":   {"calico-kube-controllers", "other", `"calico-kube-controllers"`},
		"no configuration": {"calico-config", "other", `ConfigMap "calico-config"`},
		"no network":       {"cni_network_config", "other", "cni_network_config"},
		"no node":          {"{name: calico-node, namespace", "{name: other, namespace", `DaemonSet "calico-node"`},
		"no init":          {"install-cni", "other", `"install-cni"`},
		"no container":     {"- name: calico-node", "- name: other", `"calico-node"`},
		"unknown image":    {"docker.io/calico/node:v1", "docker.io/else/node:v1", "the bundle has no image of this repository"},
		"no pods":          {"template:", "other:", "spec.template.spec"},
		"not YAML":         {"kind: ConfigMap", "kind: [", "document"},
		"no name":          {"{name: ippools.crd.example}", "{}", "metadata.name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Calico([]byte(strings.ReplaceAll(calicoManifest, c.old, c.fresh)), "10.1.0.0/16", "node", "6443", held())
			require.ErrorContains(t, err, c.says)
		})
	}
	_, err := Calico([]byte("# nothing\n---\n"), "10.1.0.0/16", "node", "6443", held())
	require.ErrorContains(t, err, "want at least one object, got none")
}

const metallbManifest = `
apiVersion: v1
kind: Namespace
metadata: {name: metallb-system}
---
apiVersion: v1
kind: Service
metadata: {name: metallb-webhook-service, namespace: metallb-system}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: metallb-webhook-configuration}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: controller, namespace: metallb-system}
spec: {template: {spec: {containers: [{name: controller, image: "quay.io/metallb/controller:v1", args: [--port=1], readinessProbe: {initialDelaySeconds: 10, periodSeconds: 10}}]}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: speaker, namespace: metallb-system}
spec: {template: {spec: {hostNetwork: true, containers: [{name: speaker, image: "quay.io/metallb/speaker:v1", readinessProbe: {initialDelaySeconds: 10}}]}}}
`

func TestMetalLB(t *testing.T) {
	objs, err := MetalLB([]byte(metallbManifest), "node", "6443", []string{"quay.io/metallb/controller:v2", "quay.io/metallb/speaker:v2"})
	require.NoError(t, err)
	require.Len(t, objs, 4)
	controller := pods(t, objs[1]).Containers[0]
	assert.Equal(t, []string{"--port=1", "--webhook-mode=disabled"}, controller.Args)
	assert.Zero(t, controller.ReadinessProbe.InitialDelaySeconds, "the manifest waits ten seconds before it looks")
	speaker := pods(t, objs[2])
	assert.Equal(t, "quay.io/metallb/speaker:v2", speaker.Containers[0].Image)
	assert.Contains(t, speaker.Containers[0].Env, corev1.EnvVar{Name: "KUBERNETES_SERVICE_HOST", Value: "node"})
	assert.Equal(t, corev1.TolerationOpExists, speaker.Tolerations[0].Operator, "it need not wait for the pods' network")
	assert.Equal(t, "Secret", objs[3].GetKind())
	key, _, _ := unstructured.NestedString(objs[3].Object, "stringData", "secretkey")
	assert.Len(t, key, 22, "16 bytes in base64 without padding")
	_, err = MetalLB([]byte(strings.ReplaceAll(metallbManifest, "readinessProbe", "livenessProbe")), "node", "6443", nil)
	require.ErrorContains(t, err, "readiness probe")
	_, err = MetalLB([]byte(strings.ReplaceAll(metallbManifest, "name: speaker,", "name: other,")), "node", "6443", nil)
	require.ErrorContains(t, err, `"speaker"`)
}

func TestPool(t *testing.T) {
	objs := Pool("10.0.0.200-10.0.0.250")
	require.Len(t, objs, 2)
	addresses, _, err := unstructured.NestedStringSlice(objs[0].Object, "spec", "addresses")
	require.NoError(t, err)
	assert.Equal(t, []string{"10.0.0.200-10.0.0.250"}, addresses)
	pools, _, err := unstructured.NestedStringSlice(objs[1].Object, "spec", "ipAddressPools")
	require.NoError(t, err)
	assert.Equal(t, []string{objs[0].GetName()}, pools)
}

func TestStages(t *testing.T) {
	objs, err := Calico([]byte(calicoManifest), "10.1.0.0/16", "node", "6443", held())
	require.NoError(t, err)
	stages := Stages(append(objs, Pool("10.0.0.200-10.0.0.250")...))
	require.Len(t, stages, 3)
	kinds := func(s Stage) (out []string) {
		for _, o := range s.Objects {
			out = append(out, o.GetKind())
		}
		return out
	}
	assert.Equal(t, []string{"CustomResourceDefinition"}, kinds(stages[0]))
	assert.Equal(t, []string{"ConfigMap", "ConfigMap", "IPAddressPool", "L2Advertisement"}, kinds(stages[1]))
	assert.Equal(t, []string{"DaemonSet"}, kinds(stages[2]))
	assert.Equal(t, []bool{false, false, true}, []bool{stages[0].Pods, stages[1].Pods, stages[2].Pods})
}

package addons

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// CalicoNamespace and CalicoNode name the DaemonSet that makes nodes ready.
const (
	CalicoNamespace = "kube-system"
	CalicoNode      = "calico-node"
)

// felixHealth is the port of Felix's health endpoint on each node (the default of Calico's
// FELIX_HEALTHPORT).
const felixHealth = 9099

// Calico adapts Calico's VXLAN manifest to pods in podCIDR. Calico connects to the API server
// at host and port, and not through its Service, which works only after kube-proxy has
// started.
func Calico(manifest []byte, podCIDR, host, port string, held []string) ([]*unstructured.Unstructured, error) {
	objs, err := Decode("calico-vxlan.yaml", manifest)
	if err != nil {
		return nil, err
	}
	// Its controllers collect what deleted nodes leave; our nodes go together.
	if objs, err = without(objs, "calico-kube-controllers"); err != nil {
		return nil, err
	}
	conf, err := find(objs, "ConfigMap", "calico-config")
	if err != nil {
		return nil, err
	}
	if err := dropBandwidth(conf); err != nil {
		return nil, err
	}
	node, err := find(objs, "DaemonSet", CalicoNode)
	if err != nil {
		return nil, err
	}
	if err := editPods(node, func(spec *corev1.PodSpec) error { return calicoNode(spec, podCIDR) }); err != nil {
		return nil, err
	}
	return append(objs, endpoint(host, port)), Retag(objs, held)
}

// serviceHost and servicePort are the variables by which programs in a pod find
// the API server.
const (
	serviceHost = "KUBERNETES_SERVICE_HOST"
	servicePort = "KUBERNETES_SERVICE_PORT"
)

// endpoint is the ConfigMap from which Calico's manifest reads the address of the API server.
func endpoint(host, port string) *unstructured.Unstructured {
	o := object("v1", "ConfigMap", CalicoNamespace, "kubernetes-services-endpoint")
	o.Object["data"] = map[string]any{serviceHost: host, servicePort: port}
	return o
}

// dropBandwidth removes the bandwidth plugin from the CNI configuration. This is JSON with
// unquoted placeholders, so that only a part of it can be parsed.
func dropBandwidth(conf *unstructured.Unstructured) error {
	const key = "cni_network_config"
	text, _, err := unstructured.NestedString(conf.Object, "data", key)
	if err != nil {
		return fmt.Errorf("calico-config: %s: %w", key, err)
	}
	// A stand-in makes it JSON: the placeholder is a number to be.
	const placeholder, standIn = "__CNI_MTU__", "-987654321"
	net := map[string]any{}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(text, placeholder, standIn)), &net); err != nil {
		return fmt.Errorf("calico-config: %s: %w", key, err)
	}
	plugins, _ := net["plugins"].([]any)
	kept := []any{}
	for _, p := range plugins {
		if m, ok := p.(map[string]any); !ok || m["type"] != "bandwidth" {
			kept = append(kept, p)
		}
	}
	net["plugins"] = kept
	out, err := json.MarshalIndent(net, "", "  ")
	if err != nil {
		return fmt.Errorf("calico-config: %s: %w", key, err)
	}
	return unstructured.SetNestedField(conf.Object, strings.ReplaceAll(string(out), standIn, placeholder), "data", key)
}

// calicoNode removes the init containers that only an upgrade or eBPF needs, sets the pod
// network, and probes Felix by HTTP instead of starting a large program for each probe.
func calicoNode(spec *corev1.PodSpec, podCIDR string) error {
	var inits []corev1.Container
	for _, c := range spec.InitContainers {
		if c.Name == "install-cni" {
			inits = append(inits, c)
		}
	}
	if len(inits) != 1 {
		return fmt.Errorf("want an init container %q, got none", "install-cni")
	}
	spec.InitContainers = inits
	c, err := container(spec, CalicoNode)
	if err != nil {
		return err
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: "CALICO_IPV4POOL_CIDR", Value: podCIDR})
	c.ReadinessProbe, c.LivenessProbe = felix("/readiness", 1), felix("/liveness", 10)
	modest(spec)
	return nil
}

func felix(path string, period int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Host: "127.0.0.1", Path: path, Port: intstr.FromInt32(felixHealth),
		}},
		PeriodSeconds: period, TimeoutSeconds: 5, FailureThreshold: 12,
	}
}

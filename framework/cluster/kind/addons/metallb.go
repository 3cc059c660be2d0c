package addons

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"meshgate/framework/cluster"
)

// The names of MetalLB's workloads.
const (
	MetalLBNamespace  = "metallb-system"
	MetalLBController = "controller"
	MetalLBSpeaker    = "speaker"
	poolName          = "meshgate"
)

// MetalLB adapts MetalLB's native manifest. It removes the webhook, which only validates
// objects written by people: until the webhook has certificates no pool could be applied. The
// speakers connect to the API server at host and port, as Calico does.
func MetalLB(manifest []byte, host, port string, held []string) ([]*unstructured.Unstructured, error) {
	objs, err := Decode("metallb-native.yaml", manifest)
	if err != nil {
		return nil, err
	}
	objs, err = without(objs, "metallb-webhook-configuration", "metallb-webhook-service")
	if err != nil {
		return nil, err
	}
	for kind, name := range map[string]string{"Deployment": MetalLBController, "DaemonSet": MetalLBSpeaker} {
		o, err := find(objs, kind, name)
		if err != nil {
			return nil, err
		}
		if err := editPods(o, func(spec *corev1.PodSpec) error { return metalLB(spec, name, host, port) }); err != nil {
			return nil, err
		}
	}
	secret, err := memberlist()
	if err != nil {
		return nil, err
	}
	return append(objs, secret), Retag(objs, held)
}

func metalLB(spec *corev1.PodSpec, name, host, port string) error {
	c, err := container(spec, name)
	if err != nil {
		return err
	}
	if name == MetalLBController {
		c.Args = append(c.Args, "--webhook-mode=disabled")
	}
	if c.ReadinessProbe == nil {
		return fmt.Errorf("container %q: want a readiness probe, got none", name)
	}
	quick(c.ReadinessProbe)
	if !spec.HostNetwork {
		// A single node bears the control plane's taint until kind's last steps.
		spec.Tolerations = append(spec.Tolerations, corev1.Toleration{Key: cluster.ControlPlaneTaint, Operator: corev1.TolerationOpExists})
	} else {
		// Speakers are in the nodes' network and need not wait for the pods'.
		spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
		c.Env = append(c.Env, corev1.EnvVar{Name: serviceHost, Value: host}, corev1.EnvVar{Name: servicePort, Value: port})
	}
	modest(spec)
	return nil
}

// memberlist is the secret that the speakers share. The controller would create it, but a
// speaker that starts earlier waits until the kubelet tries again to mount it.
func memberlist() (*unstructured.Unstructured, error) {
	key := make([]byte, 16)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("key for MetalLB's speakers: %w", err)
	}
	o := object("v1", "Secret", MetalLBNamespace, "memberlist")
	// The speakers expect base64 inside, as the controller writes it.
	o.Object["stringData"] = map[string]any{"secretkey": base64.RawStdEncoding.EncodeToString(key)}
	return o, nil
}

// Pool are the objects that let MetalLB assign the addresses "a-b" and announce them on the
// nodes' network.
func Pool(addresses string) []*unstructured.Unstructured {
	pool := object("metallb.io/v1beta1", "IPAddressPool", MetalLBNamespace, poolName)
	pool.Object["spec"] = map[string]any{"addresses": []any{addresses}}
	adv := object("metallb.io/v1beta1", "L2Advertisement", MetalLBNamespace, poolName)
	adv.Object["spec"] = map[string]any{"ipAddressPools": []any{poolName}}
	return []*unstructured.Unstructured{pool, adv}
}

package policy

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"meshgate/framework/cluster"
	"meshgate/framework/wait"
)

// The names of the two pods and of their containers, and where the agent listens.
const (
	client    = "policy-client"
	target    = "policy-target"
	agentPort = "8080"
	roleLabel = "meshgate.dev/policy-check"
)

// create creates both pods. It retries, because a new namespace admits no pods until its
// service account exists.
func (p Proof) create(ctx context.Context) error {
	for _, name := range []string{client, target} {
		pod, err := unstruct(p.pod(name), "v1", "Pod")
		if err != nil {
			return err
		}
		_, err = wait.Until(ctx, wait.Deadline{Name: "pod " + name + " admitted", Within: p.Budget.Ready}, interval, func(ctx context.Context) error {
			err := p.Kube.Apply(ctx, p.Owner, pod)
			if err != nil && !apierrors.IsForbidden(err) {
				return wait.Final(err)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("pod for the proof of enforcement: %w", err)
		}
	}
	return nil
}

// pod is a pod that the restricted pod security standard admits.
func (p Proof) pod(name string) *corev1.Pod {
	yes, no := true, false
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: p.Namespace, Labels: map[string]string{roleLabel: name},
			// The proof is about the network below the mesh.
			Annotations: map[string]string{"sidecar.istio.io/inject": "false"},
		},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: &no,
			EnableServiceLinks:           &no,
			RestartPolicy:                corev1.RestartPolicyOnFailure, // a container that could not start is restarted
			// A single node bears the control plane's taint while it is set up.
			Tolerations: []corev1.Toleration{{Key: cluster.ControlPlaneTaint, Operator: corev1.TolerationOpExists}},
			Containers: []corev1.Container{{
				Name: name, Image: p.Image, ImagePullPolicy: corev1.PullIfNotPresent, Args: []string{"serve"},
				SecurityContext: &corev1.SecurityContext{
					RunAsNonRoot: &yes, AllowPrivilegeEscalation: &no,
					Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
					SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
				},
			}},
		},
	}
}

// deny is a NetworkPolicy that forbids all traffic to the target.
func (p Proof) deny() *unstructured.Unstructured {
	policy := &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: target, Namespace: p.Namespace},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{roleLabel: target}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
		},
	}
	// A policy of constants always converts.
	o, _ := unstruct(policy, "networking.k8s.io/v1", "NetworkPolicy")
	return o
}

// unstruct converts a typed object, without the status that only a server writes.
func unstruct(obj any, apiVersion, kind string) (*unstructured.Unstructured, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	delete(fields, "status")
	o := &unstructured.Unstructured{Object: fields}
	o.SetAPIVersion(apiVersion)
	o.SetKind(kind)
	unstructured.RemoveNestedField(o.Object, "metadata", "creationTimestamp")
	return o, nil
}

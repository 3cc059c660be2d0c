package suite

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"meshgate/framework/mesh"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// surroundings are the pods on which every answer of the mesh depends, and what there was
// to say of each: control plane, shared ingress gateway, and what the cluster itself runs.
type surroundings map[string]string

// beside are the namespaces of the cluster's own workings; one that is not there is empty.
func beside() []string { return []string{"kube-system", "metallb-system"} }

func (s *suiteRun) lookAround(ctx context.Context) (surroundings, error) {
	m := s.bed.Mesh
	found := surroundings{}
	for _, ns := range slices.Compact(slices.Sorted(slices.Values(append(beside(), m.Namespace, m.Ingress.Namespace)))) {
		pods, err := s.bed.Kube.Pods(ctx, ns, "")
		if err != nil {
			return nil, err
		}
		for _, p := range pods {
			if slices.Contains(beside(), ns) && !passing(p) || ours(m, p.Labels) {
				found[p.Namespace+"/"+p.Name] = stateOf(p)
			}
		}
	}
	return found, nil
}

// ours tells whether a pod is of the control plane or of the shared ingress gateway.
func ours(m *mesh.Mesh, labels map[string]string) bool {
	if labels["app"] == "istiod" {
		return true
	}
	for key, value := range m.Ingress.Selector {
		if labels[key] != value {
			return false
		}
	}
	return len(m.Ingress.Selector) > 0
}

// passing tells whether a pod comes and goes by nature.
func passing(p corev1.Pod) bool {
	return slices.ContainsFunc(p.OwnerReferences, func(o metav1.OwnerReference) bool { return o.Kind == "Job" })
}

// stateOf names what differs when a pod is replaced or one of its containers restarted.
func stateOf(p corev1.Pod) string {
	restarts, ready := 0, true
	for _, c := range p.Status.ContainerStatuses {
		restarts += int(c.RestartCount)
		ready = ready && c.Ready
	}
	return fmt.Sprintf("%s, %d restarts, ready %t", p.UID, restarts, ready)
}

// disturbed says what became of the surroundings between two looks; nil if nothing did.
func (before surroundings) disturbed(after surroundings) error {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		switch is, there := after[name]; {
		case !there:
			return fmt.Errorf("pod %s has gone", name)
		case is != before[name]:
			return fmt.Errorf("pod %s was %s, and is %s", name, before[name], is)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, there := before[name]; !there {
			return fmt.Errorf("pod %s has come", name)
		}
	}
	return nil
}

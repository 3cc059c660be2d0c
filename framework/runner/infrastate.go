package runner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"meshgate/framework/kube"
	"meshgate/framework/mesh"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// infraState is the state of the pods on which every answer of the mesh depends: control
// plane, shared ingress gateway, and the pods of the cluster itself.
type infraState map[string]podState

// podState is what distinguishes two states of a pod.
type podState struct {
	state string
	since time.Time // it is ready; for those that are asked by a Service, else zero
}

// endpointLag is how long a Service may take to lead to a pod that is ready: its endpoints are
// written, and every node's rules, under load. A proxy whose look-up fails meanwhile asks
// the DNS again after a minute (Istio's dnsRefreshRate), long after the pod is ready.
const endpointLag = 10 * time.Second

// systemNamespaces are the namespaces of the cluster's own pods; one that does not exist is
// empty.
func systemNamespaces() []string { return []string{"kube-system", "metallb-system"} }

func (s *suiteRun) infrastructure(ctx context.Context) (infraState, error) {
	m := s.bed.Mesh
	found := infraState{}
	for _, ns := range slices.Compact(slices.Sorted(slices.Values(append(systemNamespaces(), m.Namespace, m.Ingress.Namespace)))) {
		pods, err := s.bed.Kube.Pods(ctx, ns, "")
		if err != nil {
			return nil, err
		}
		for _, p := range pods {
			switch name := p.Namespace + "/" + p.Name; {
			case slices.Contains(systemNamespaces(), ns) && !comesAndGoes(p):
				since, _ := kube.Ready(p)
				found[name] = podState{stateOf(p), since}
			case ofTheMesh(m, p.Labels):
				found[name] = podState{state: stateOf(p)} // proxies tell when they have heard from it
			}
		}
	}
	return found, nil
}

// ofTheMesh tells whether a pod is of the control plane or of the shared ingress gateway.
func ofTheMesh(m *mesh.Mesh, labels map[string]string) bool {
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

// comesAndGoes tells whether a pod ends by itself, as those of a Job do.
func comesAndGoes(p corev1.Pod) bool {
	return slices.ContainsFunc(p.OwnerReferences, func(o metav1.OwnerReference) bool { return o.Kind == "Job" })
}

// stateOf names what differs when a pod is replaced or one of its containers restarted.
func stateOf(p corev1.Pod) string {
	restarts := 0
	for _, c := range p.Status.ContainerStatuses {
		restarts += int(c.RestartCount)
	}
	_, ready := kube.Ready(p)
	return fmt.Sprintf("%s, %d restarts, ready %t", p.UID, restarts, ready)
}

// disturbed says what became of the infraState between two looks, of which the first was
// at began, or just before; nil if nothing did.
func (before infraState) disturbed(after infraState, began time.Time) error {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		was := before[name]
		switch is, there := after[name]; {
		case !there:
			return fmt.Errorf("pod %s has gone", name)
		case is.state != was.state:
			return fmt.Errorf("pod %s was %s, and is %s", name, was.state, is.state)
		case began.Before(was.since.Add(endpointLag)):
			return fmt.Errorf("pod %s became ready at %s, less than %s before", name, was.since.UTC().Format(time.RFC3339), endpointLag)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, there := before[name]; !there {
			return fmt.Errorf("pod %s has come", name)
		}
	}
	return nil
}

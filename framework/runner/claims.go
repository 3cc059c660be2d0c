package runner

import (
	"context"
	"fmt"
	"slices"

	"meshgate/framework/kube"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// refuseClaimedHosts refuses hosts that a ServiceEntry of somebody else has, where our
// namespaces see it: the mesh would use one of the two, and nobody can say which.
func (e *environment) refuseClaimedHosts(ctx context.Context, objs []*unstructured.Unstructured) error {
	i := slices.IndexFunc(objs, isServiceEntry)
	if i < 0 {
		return nil
	}
	there, err := e.kube.Everywhere(ctx, objs[i])
	if err != nil {
		return err
	}
	return claimed(objs, there)
}

func claimed(ours, there []*unstructured.Unstructured) error {
	for _, o := range ours {
		if !isServiceEntry(o) {
			continue
		}
		for _, other := range there {
			if _, own := kube.Ours(other); own || !sees(o.GetNamespace(), other) {
				continue
			}
			for _, host := range hostsOf(o) {
				if slices.Contains(hostsOf(other), host) {
					return fmt.Errorf("%s: host %s: want one that nobody has, got one that is claimed by %s, which meshgate did not create: remove that one, or limit its exportTo, for the time of the run",
						kube.Name(o), host, kube.Name(other))
				}
			}
		}
	}
	return nil
}

func isServiceEntry(o *unstructured.Unstructured) bool { return o.GetKind() == "ServiceEntry" }

func hostsOf(o *unstructured.Unstructured) []string {
	hosts, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "hosts")
	return hosts
}

// sees says whether an object is exported to a namespace; one that says nothing is to all.
func sees(namespace string, o *unstructured.Unstructured) bool {
	to, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "exportTo")
	return len(to) == 0 || o.GetNamespace() == namespace || slices.Contains(to, "*") || slices.Contains(to, namespace)
}

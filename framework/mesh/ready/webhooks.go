// Package ready checks whether a mesh is ready for use by observing it from outside: its
// webhooks answer, its proxies have their configuration, its gateway answers. That its
// Deployments are available proves none of this.
package ready

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"meshgate/framework/kube"
	"meshgate/framework/mesh"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

const (
	revisionLabel = "istio.io/rev"
	probeName     = "meshgate-webhook-probe"
)

// v1beta1 is served by every Istio that is supported, old and new.
var (
	virtualServices = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1beta1", Resource: "virtualservices"}
	pods            = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
)

// dryRun creates an object without storing it; webhooks are called as usual.
func dryRun(ctx context.Context, d dynamic.Interface, r schema.GroupVersionResource, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return d.Resource(r).Namespace(o.GetNamespace()).Create(ctx, o, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: kube.FieldManager})
}

// Validates is nil when the control plane's webhook denies an object that only istiod can
// know to be wrong, and admits a correct one. It stores nothing.
func Validates(ctx context.Context, d dynamic.Interface, m *mesh.Mesh) error {
	_, err := dryRun(ctx, d, virtualServices, virtualService(m, "*"))
	if err == nil {
		return errors.New("validation webhook: want a VirtualService for host \"*\" in the whole mesh refused, got it accepted: the webhook is not in force yet")
	}
	if !refusedByWebhook(err) {
		return fmt.Errorf("validation webhook: want it to refuse, got: %w", err)
	}
	if _, err := dryRun(ctx, d, virtualServices, virtualService(m, probeName+".invalid")); err != nil {
		return fmt.Errorf("validation webhook: want a valid VirtualService accepted, got: %w", err)
	}
	return nil
}

func refusedByWebhook(err error) bool {
	return strings.Contains(err.Error(), "admission webhook") && strings.Contains(err.Error(), "denied the request")
}

// virtualService is valid by its schema. With host "*" istiod denies it, because it would
// catch all traffic of every sidecar.
func virtualService(m *mesh.Mesh, host string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": virtualServices.GroupVersion().String(), "kind": "VirtualService",
		"spec": map[string]any{
			"hosts": []any{host},
			"http": []any{map[string]any{"route": []any{
				map[string]any{"destination": map[string]any{"host": probeName + ".invalid"}},
			}}},
		},
	}}
	name(o, m)
	return o
}

func name(o *unstructured.Unstructured, m *mesh.Mesh) {
	o.SetName(probeName)
	o.SetNamespace(m.Namespace)
	// The label makes the revision's own webhook answer, and not only the one of
	// the default revision.
	o.SetLabels(map[string]string{revisionLabel: mesh.RevisionName(m.Revision)})
}

// Injects is nil when the injection webhook adds a proxy to a pod that asks for one. It
// stores nothing.
func Injects(ctx context.Context, d dynamic.Interface, m *mesh.Mesh) error {
	got, err := dryRun(ctx, d, pods, pod(m))
	if err != nil {
		return fmt.Errorf("injection webhook: %w", err)
	}
	if !hasProxy(got) {
		return fmt.Errorf("injection webhook: want container istio-proxy in a pod with labels %v in namespace %s, got none", pod(m).GetLabels(), m.Namespace)
	}
	return nil
}

func pod(m *mesh.Mesh) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"spec": map[string]any{"containers": []any{map[string]any{"name": "app", "image": "meshgate/none"}}},
	}}
	name(o, m)
	labels := map[string]string{"sidecar.istio.io/inject": "true"}
	if m.Revision != "" {
		labels[revisionLabel] = m.Revision
	}
	o.SetLabels(labels)
	return o
}

// hasProxy also checks init containers, where native sidecars are.
func hasProxy(pod *unstructured.Unstructured) bool {
	for _, list := range []string{"containers", "initContainers"} {
		containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", list)
		for _, c := range containers {
			if m, ok := c.(map[string]any); ok && m["name"] == "istio-proxy" {
				return true
			}
		}
	}
	return false
}

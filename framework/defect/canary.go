package defect

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const canaryName = "meshgate-defect-canary"

// canary is a harmless policy: it annotates one ConfigMap, which is only created as a dry run.
func canary(namespace string) []*unstructured.Unstructured {
	object := func(kind string, spec map[string]any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
			"metadata": map[string]any{"name": canaryName}, "spec": spec,
		}}
	}
	return []*unstructured.Unstructured{
		object("MutatingAdmissionPolicy", map[string]any{
			"failurePolicy": "Fail", "reinvocationPolicy": "Never",
			"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{
				"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"configmaps"},
			}}},
			"matchConditions": []any{map[string]any{"name": "ours",
				"expression": "object.metadata.namespace == '" + namespace + "' && object.metadata.name == '" + canaryName + "'"}},
			"mutations": []any{map[string]any{"patchType": "ApplyConfiguration", "applyConfiguration": map[string]any{
				"expression": "Object{metadata: Object.metadata{annotations: {'" + annotation + "': '" + canaryName + "'}}}",
			}}},
		}),
		object("MutatingAdmissionPolicyBinding", map[string]any{"policyName": canaryName}),
	}
}

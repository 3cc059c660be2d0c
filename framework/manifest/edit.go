package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Edit changes objects by their structure. One that matches nothing is an error
// of Set.With: a fixture that changed its shape must not be left as it is.
type Edit struct {
	name  string
	apply func(objs []*unstructured.Unstructured) (matched bool, err error)
	check func() error // without objects; nil: nothing can be said
}

// Check is an error if the edit can fit no object: it changes a path that the type of its
// kind does not have. It looks at no object.
func (e Edit) Check() error {
	if e.check == nil {
		return nil
	}
	if err := e.check(); err != nil {
		return fmt.Errorf("edit %s: %w", e.name, err)
	}
	return nil
}

// EditEach makes an edit of one's own; f is called with every object and says
// whether it matched.
func EditEach(name string, f func(*unstructured.Unstructured) (matched bool, err error)) Edit {
	return Edit{name: name, apply: func(objs []*unstructured.Unstructured) (bool, error) {
		any := false
		for _, o := range objs {
			matched, err := f(o)
			if err != nil {
				return any, fmt.Errorf("%s: %w", title(o), err)
			}
			any = any || matched
		}
		return any, nil
	}}
}

// Selectors sets the pod labels that Gateways select, by the value of label "istio" that
// they select as they are. A Gateway that selects another is an error.
func Selectors(byRole map[string]map[string]string) Edit {
	return EditEach("Selectors", func(o *unstructured.Unstructured) (bool, error) {
		if o.GetKind() != "Gateway" {
			return false, nil
		}
		role, _, err := unstructured.NestedString(o.Object, "spec", "selector", "istio")
		if err != nil {
			return false, err
		}
		labels := byRole[role]
		if len(labels) == 0 {
			return false, fmt.Errorf("spec.selector.istio: want one of the mesh's gateways, %s, got %q",
				strings.Join(slices.Sorted(maps.Keys(byRole)), ", "), role)
		}
		return true, unstructured.SetNestedStringMap(o.Object, labels, "spec", "selector")
	})
}

// RulesFor has the DestinationRules of a namespace obeyed by those of its pods alone that
// carry these labels.
func RulesFor(namespace string, pods map[string]string) Edit {
	return EditEach("RulesFor "+namespace, func(o *unstructured.Unstructured) (bool, error) {
		if o.GetKind() != "DestinationRule" || o.GetNamespace() != namespace {
			return false, nil
		}
		return true, unstructured.SetNestedStringMap(o.Object, pods, "spec", "workloadSelector", "matchLabels")
	})
}

// Images replaces container images, whole names by whole names. The map may hold
// more than the set uses.
func Images(replace map[string]string) Edit {
	return containers("Images", func(c map[string]any) bool {
		image, _ := c["image"].(string)
		better, ok := replace[image]
		if ok {
			c["image"] = better
		}
		return ok
	})
}

// PullPolicy sets the policy of every container.
func PullPolicy(policy string) Edit {
	return containers("PullPolicy "+policy, func(c map[string]any) bool {
		c["imagePullPolicy"] = policy
		return true
	})
}

// Labels adds labels to every object, not to the pods of workloads.
func Labels(labels map[string]string) Edit {
	return EditEach("Labels", func(o *unstructured.Unstructured) (bool, error) {
		all := o.GetLabels()
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, labels)
		o.SetLabels(all)
		return true, nil
	})
}

// PodLabels adds labels to the pods of every workload; with "istio.io/rev" or
// "sidecar.istio.io/inject" they say which control plane injects them, or that none does.
func PodLabels(labels map[string]string) Edit { return podMetadata("PodLabels", "labels", labels) }

// PodAnnotations adds annotations to the pods of every workload, such as the
// proxy's concurrency.
func PodAnnotations(annotations map[string]string) Edit {
	return podMetadata("PodAnnotations", "annotations", annotations)
}

func podMetadata(name, field string, add map[string]string) Edit {
	return EditEach(name, func(o *unstructured.Unstructured) (bool, error) {
		pod := podOf(o)
		if pod == nil {
			return false, nil
		}
		all, _, err := unstructured.NestedStringMap(pod, "metadata", field)
		if err != nil {
			return false, err
		}
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, add)
		return true, unstructured.SetNestedStringMap(pod, all, "metadata", field)
	})
}

// containers edits each container of each pod.
func containers(name string, f func(map[string]any) bool) Edit {
	return EditEach(name, func(o *unstructured.Unstructured) (bool, error) {
		matched := false
		spec, _ := podOf(o)["spec"].(map[string]any)
		for _, field := range []string{"initContainers", "containers"} {
			list, _ := spec[field].([]any)
			for _, c := range list {
				if c, ok := c.(map[string]any); ok && f(c) {
					matched = true
				}
			}
		}
		return matched, nil
	})
}

// podOf is the part of a workload, or of a Pod, that has a pod's metadata and
// spec; nil for other kinds.
func podOf(o *unstructured.Unstructured) map[string]any {
	path := []string{"spec", "template"}
	switch o.GetKind() {
	case "Pod":
		return o.Object
	case "CronJob":
		path = []string{"spec", "jobTemplate", "spec", "template"}
	case "Deployment", "StatefulSet", "DaemonSet", "Job":
	default:
		return nil
	}
	pod, _, _ := unstructured.NestedFieldNoCopy(o.Object, path...)
	template, _ := pod.(map[string]any)
	return template
}

// pairsOf writes a replacement for an edit's name.
func pairsOf(replace map[string]string) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(replace)) {
		all = append(all, k+"→"+replace[k])
	}
	return strings.Join(all, ",")
}

package addons

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// editPods decodes the pod template of a workload, applies edit to it, and writes it back.
func editPods(o *unstructured.Unstructured, edit func(*corev1.PodSpec) error) error {
	raw, found, err := unstructured.NestedMap(o.Object, "spec", "template", "spec")
	if err != nil || !found {
		return fmt.Errorf("%s %s: want spec.template.spec, got none (%v)", o.GetKind(), o.GetName(), err)
	}
	spec := &corev1.PodSpec{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw, spec); err != nil {
		return fmt.Errorf("%s %s: pod template: %w", o.GetKind(), o.GetName(), err)
	}
	if err := edit(spec); err != nil {
		return fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
	}
	out, err := runtime.DefaultUnstructuredConverter.ToUnstructured(spec)
	if err != nil {
		return fmt.Errorf("%s %s: pod template: %w", o.GetKind(), o.GetName(), err)
	}
	return unstructured.SetNestedMap(o.Object, out, "spec", "template", "spec")
}

// modest gives every container a small request and keeps the kubelet from pulling images that
// the node has.
func modest(spec *corev1.PodSpec) {
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			list[i].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(RequestCPU)}
			list[i].ImagePullPolicy = corev1.PullIfNotPresent
		}
	}
}

// quick makes a probe run every second from the start; the manifests wait ten seconds before
// the first one.
func quick(p *corev1.Probe) {
	p.InitialDelaySeconds, p.PeriodSeconds = 0, 1
}

// container finds a container of a pod by name.
func container(spec *corev1.PodSpec, name string) (*corev1.Container, error) {
	for i := range spec.Containers {
		if spec.Containers[i].Name == name {
			return &spec.Containers[i], nil
		}
	}
	return nil, fmt.Errorf("want a container %q, got none", name)
}

// Retag sets the containers' images to the versions in the bundle: a manifest may name other
// versions of images from other modules. An image whose repository is not in the bundle is an
// error.
func Retag(objs []*unstructured.Unstructured, held []string) error {
	for _, o := range objs {
		if o.GetKind() != "DaemonSet" && o.GetKind() != "Deployment" {
			continue
		}
		err := editPods(o, func(spec *corev1.PodSpec) error {
			for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
				for i := range list {
					image, err := retagged(list[i].Image, held)
					if err != nil {
						return err
					}
					list[i].Image = image
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func retagged(image string, held []string) (string, error) {
	at := slices.IndexFunc(held, func(h string) bool { return repository(h) == repository(image) })
	if at < 0 {
		return "", fmt.Errorf("image %s: the bundle has no image of this repository, only %s", image, strings.Join(held, ", "))
	}
	return held[at], nil
}

// repository is an image's name without its tag.
func repository(image string) string {
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") {
		return image[:colon]
	}
	return image
}

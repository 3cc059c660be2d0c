// Package addons adapts the manifests of the bundle to a small cluster: Calico and MetalLB
// with small requests, frequent probes and without unused parts. It is pure: manifests in,
// objects out.
package addons

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// RequestCPU is the CPU request of every container of an addon. The manifests' own requests
// add up to more than a tenth of a machine with two cores.
const RequestCPU = "10m"

// Decode reads the documents of a manifest. It skips empty documents; a manifest without
// objects is an error.
func Decode(name string, manifest []byte) ([]*unstructured.Unstructured, error) {
	var objs []*unstructured.Unstructured
	dec := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for n := 1; ; n++ {
		o := &unstructured.Unstructured{}
		err := dec.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("manifest %s, document %d: %w", name, n, err)
		}
		if len(o.Object) == 0 {
			continue
		}
		if o.GetKind() == "" || o.GetName() == "" {
			return nil, fmt.Errorf("manifest %s, document %d: want kind and metadata.name, got %q and %q", name, n, o.GetKind(), o.GetName())
		}
		objs = append(objs, o)
	}
	if len(objs) == 0 {
		return nil, fmt.Errorf("manifest %s: want at least one object, got none", name)
	}
	return objs, nil
}

// Stage is a set of objects that can be applied concurrently.
type Stage struct {
	Objects []*unstructured.Unstructured
	// Pods says that the objects start pods, which need their images.
	Pods bool
}

// Stages orders objects: first kinds and namespaces, which the others need; then objects that
// start no pods; then those that do.
func Stages(objs []*unstructured.Unstructured) []Stage {
	stages := []Stage{{}, {}, {Pods: true}}
	for _, o := range objs {
		at := 1
		switch o.GetKind() {
		case "CustomResourceDefinition", "Namespace":
			at = 0
		case "DaemonSet", "Deployment":
			at = 2
		}
		stages[at].Objects = append(stages[at].Objects, o)
	}
	return stages
}

// without drops the objects of these names, of any kind. A name that does not exist is an
// error, because the manifest is then not the expected one.
func without(objs []*unstructured.Unstructured, names ...string) ([]*unstructured.Unstructured, error) {
	for _, name := range names {
		before := len(objs)
		objs = slices.DeleteFunc(objs, func(o *unstructured.Unstructured) bool { return o.GetName() == name })
		if len(objs) == before {
			return nil, fmt.Errorf("manifest: want an object %q to leave out, got none", name)
		}
	}
	return objs, nil
}

// find returns the only object of a kind and name.
func find(objs []*unstructured.Unstructured, kind, name string) (*unstructured.Unstructured, error) {
	for _, o := range objs {
		if o.GetKind() == kind && o.GetName() == name {
			return o, nil
		}
	}
	return nil, fmt.Errorf("manifest: want %s %q, got none", kind, name)
}

func object(apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetAPIVersion(apiVersion)
	o.SetKind(kind)
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}

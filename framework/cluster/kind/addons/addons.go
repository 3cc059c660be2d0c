// Package addons turns the manifests of the bundle into what a small cluster of
// ours runs: Calico and MetalLB with few requests, quick probes and nothing that
// we do not use. It is pure: manifests in, objects out.
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

// RequestCPU is what every container of an addon asks for. Their own figures sum
// up to more than a tenth of a two-core machine.
const RequestCPU = "10m"

// Decode reads the documents of a manifest. Empty ones are passed over; a manifest
// without any is an error.
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
		return nil, fmt.Errorf("manifest %s holds no object", name)
	}
	return objs, nil
}

// Stage is a set of objects that can be applied at the same time.
type Stage struct {
	Objects []*unstructured.Unstructured
	// Pods says that the objects start pods, which need their images.
	Pods bool
}

// Stages puts objects into an order: kinds and namespaces, which others need;
// then everything that only says something; then what starts pods.
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

// without drops the objects of that name, whatever their kind; none is an error,
// for the manifest is then not the one we know.
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

// find returns the one object of a kind and name.
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

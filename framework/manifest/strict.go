package manifest

import (
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"
)

// check decodes an object strictly against its Go type: every unknown field, and
// every value of a wrong type, is an error that names it.
func check(o *unstructured.Unstructured) error {
	for _, field := range []string{"name", "namespace"} {
		if _, _, err := unstructured.NestedString(o.Object, "metadata", field); err != nil {
			return fmt.Errorf("%w (YAML takes n, y, on and off for truth values: quote it)", err)
		}
	}
	if o.GetName() == "" {
		return errors.New("metadata.name: want a name, got none")
	}
	k, _, ok := lookup(o.GetAPIVersion(), o.GetKind())
	if !ok {
		return fmt.Errorf("kind %s (%s) is not known; known are: %s", o.GetKind(), o.GetAPIVersion(), known())
	}
	if k.cluster && o.GetNamespace() != "" {
		return fmt.Errorf("metadata.namespace: %s has none, got %q", k.name, o.GetNamespace())
	}
	if !k.cluster && o.GetNamespace() == "" {
		return errors.New("metadata.namespace: want one, got none: where an object goes must not depend on the reader's context")
	}
	if k.spec != nil {
		return checkIstio(o, k)
	}
	return decode(o.Object, k.typed())
}

// decode is strict about names, also their case, and about types.
func decode(from, into any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	strict, err := kjson.UnmarshalStrict(data, into)
	if err != nil {
		return fmt.Errorf("wrong type: %w", err)
	}
	var found problems
	for _, e := range strict {
		found.add("%s", e)
	}
	return found.err()
}

// checkIstio decodes metadata by Kubernetes' type and the spec by Istio's message.
// The message's own decoder, which istio.io/client-go uses too, judges types,
// enumerations and durations, but lets unknown fields pass in silence: they are
// looked for first.
func checkIstio(o *unstructured.Unstructured, k kind) error {
	frame := map[string]any{}
	for key, value := range o.Object {
		if key != "spec" {
			frame[key] = value
		}
	}
	var typed struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
	}
	if err := decode(frame, &typed); err != nil {
		return err
	}
	spec, ok := o.Object["spec"].(map[string]any)
	if !ok {
		return fmt.Errorf("spec: want a mapping, got %T", o.Object["spec"])
	}
	return CheckMessage("spec", spec, k.spec())
}

// CheckMessage decodes a value strictly into a message of Istio's API. Errors begin with at,
// the place of the value in its document.
func CheckMessage(at string, value map[string]any, message proto.Message) error {
	var found problems
	if found.message(at, value, message.ProtoReflect().Descriptor()); len(found) > 0 {
		return found
	}
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, message); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

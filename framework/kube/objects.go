package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// OwnerLabel marks every object that meshgate created; its value is the Owner.
const OwnerLabel = "meshgate.dev/owner"

// Owner says which part of meshgate an object belongs to: "cluster", "mesh", or
// one suite of one run.
type Owner string

// ErrForeign means that an object of that name exists and does not carry OwnerLabel.
var ErrForeign = errors.New("exists and was not created by meshgate")

// ErrTaken means that another part of meshgate has created the object.
var ErrTaken = errors.New("has another owner")

type object interface {
	metav1.Object
	GroupVersionKind() schema.GroupVersionKind
}

// Name is the object's name for people: "VirtualService bookinfo/api".
func Name(o object) string {
	kind := o.GroupVersionKind().Kind
	if ns := o.GetNamespace(); ns != "" {
		return kind + " " + ns + "/" + o.GetName()
	}
	return kind + " " + o.GetName()
}

// Ours reports whether meshgate created an object, and which part of it did.
func Ours(o metav1.Object) (Owner, bool) {
	owner, ok := o.GetLabels()[OwnerLabel]
	return Owner(owner), ok
}

func foreign(o object) error {
	return fmt.Errorf("%s %w: it is left alone; remove it or choose another name by configuration", Name(o), ErrForeign)
}

func versionOf(body []byte) (string, error) {
	var v struct{ GitVersion string }
	if err := json.Unmarshal(body, &v); err != nil {
		return "", err
	}
	if !strings.HasPrefix(v.GitVersion, "v") {
		return "", fmt.Errorf("gitVersion: want a version such as v1.36.3, got %q", v.GitVersion)
	}
	return v.GitVersion, nil
}

package suite

import (
	"fmt"
	"slices"
	"strings"

	"meshgate/framework/manifest"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Sabotage is a wrong fixture that must turn its feature red.
type Sabotage struct {
	// Name says what is wrong: "without VirtualService cors".
	Name string
	// Field is the mismatch that must be named when the feature fails.
	Field string

	kind, name string
	edit       *manifest.Edit // nil withholds the object
}

// Withhold leaves one object out. Generated secrets are objects like any other.
func Withhold(kind, name, field string) Sabotage {
	return Sabotage{Name: fmt.Sprintf("without %s %s", kind, name), Field: field, kind: kind, name: name}
}

// Replace sets a field of one object to a wrong value; path as in manifest.SetField.
func Replace(kind, name, field string, value any, path ...string) Sabotage {
	edit := manifest.SetField(kind, name, value, path...)
	return Sabotage{Name: fmt.Sprintf("%s %s with %s = %v", kind, name, strings.Join(path, "."), value), Field: field, kind: kind, name: name, edit: &edit}
}

// apply returns the objects with the sabotage done. A target that does not exist is
// an error: a sabotage that changes nothing must not count as survived or killed.
func (s *Sabotage) apply(objs []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	if s.edit != nil {
		set, err := manifest.NewSet(objs...).With(*s.edit)
		if err != nil {
			return nil, fmt.Errorf("sabotage %q: %w", s.Name, err)
		}
		return set.Objects(), nil
	}
	left := slices.DeleteFunc(slices.Clone(objs), func(o *unstructured.Unstructured) bool {
		return o.GetKind() == s.kind && o.GetName() == s.name
	})
	if len(left) == len(objs) {
		return nil, fmt.Errorf("sabotage %q: no such object among the fixtures", s.Name)
	}
	return left, nil
}

package manifest

import (
	"bytes"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Set is a number of objects in the order of application: what others refer to
// first, and otherwise as they were given. It never changes; With makes another.
type Set struct{ objs []*unstructured.Unstructured }

// NewSet orders copies of objects that were made in code. They may hold Go's own
// numbers and lists; With decodes them strictly.
func NewSet(objs ...*unstructured.Unstructured) Set {
	sorted := make([]*unstructured.Unstructured, len(objs))
	for i, o := range objs {
		sorted[i] = o
		if plain, err := jsonValue(o.Object); err == nil {
			sorted[i] = &unstructured.Unstructured{Object: plain.(map[string]any)}
		}
	}
	slices.SortStableFunc(sorted, func(a, b *unstructured.Unstructured) int { return place(a) - place(b) })
	return Set{sorted}
}

// Join puts sets together, and refuses an object that two of them have.
func Join(sets ...Set) (Set, error) {
	var all []*unstructured.Unstructured
	for _, s := range sets {
		all = append(all, s.objs...)
	}
	return checked(all)
}

// checked orders objects that were decoded, and refuses twins.
func checked(objs []*unstructured.Unstructured) (Set, error) {
	seen := map[string]bool{}
	for _, o := range objs {
		id := o.GroupVersionKind().Group + "/" + title(o)
		if seen[id] {
			return Set{}, fmt.Errorf("%s is there twice", title(o))
		}
		seen[id] = true
	}
	return NewSet(objs...), nil
}

// place puts unknown kinds, which only code can make, last.
func place(o *unstructured.Unstructured) int {
	_, at, ok := lookup(o.GetAPIVersion(), o.GetKind())
	if !ok {
		return len(kinds)
	}
	return at
}

// Objects returns copies, in the order of application.
func (s Set) Objects() []*unstructured.Unstructured {
	out := make([]*unstructured.Unstructured, len(s.objs))
	for i, o := range s.objs {
		out[i] = o.DeepCopy()
	}
	return out
}

// Has reports whether any object is of that kind.
func (s Set) Has(kind string) bool {
	return slices.ContainsFunc(s.objs, func(o *unstructured.Unstructured) bool { return o.GetKind() == kind })
}

// Object returns a copy of the object of that kind and name; the error lists what
// there is.
func (s Set) Object(kind, name string) (*unstructured.Unstructured, error) {
	var have []string
	for _, o := range s.objs {
		if o.GetKind() == kind && o.GetName() == name {
			return o.DeepCopy(), nil
		}
		have = append(have, title(o))
	}
	return nil, fmt.Errorf("no %s %s; there are: %v", kind, name, have)
}

// Without leaves one object out; leaving out what is not there is an error.
func (s Set) Without(kind, name string) (Set, error) {
	if _, err := s.Object(kind, name); err != nil {
		return Set{}, err
	}
	return NewSet(slices.DeleteFunc(s.Objects(), func(o *unstructured.Unstructured) bool {
		return o.GetKind() == kind && o.GetName() == name
	})...), nil
}

// With returns the set with the edits made, one after the other. An edit that
// matches nothing is an error, and so is one that makes an object its type does
// not allow.
func (s Set) With(edits ...Edit) (Set, error) {
	objs := s.Objects()
	for _, e := range edits {
		matched, err := e.apply(objs)
		if err != nil {
			return Set{}, fmt.Errorf("edit %s: %w", e.name, err)
		}
		if !matched {
			return Set{}, fmt.Errorf("edit %s: nothing matched in %v", e.name, titles(objs))
		}
		for _, o := range objs {
			if err := check(o); err != nil {
				return Set{}, fmt.Errorf("edit %s: %s: %w", e.name, title(o), err)
			}
		}
	}
	return checked(objs)
}

// YAML writes the set as one file: what golden files hold.
func (s Set) YAML() []byte {
	var b bytes.Buffer
	for i, o := range s.objs {
		if i > 0 {
			b.WriteString("---\n")
		}
		out, err := yaml.Marshal(o.Object)
		if err != nil { // only an object made in code can hold what YAML cannot
			out = fmt.Appendf(nil, "# %s cannot be written: %v\n", title(o), err)
		}
		b.Write(out)
	}
	return b.Bytes()
}

func titles(objs []*unstructured.Unstructured) []string {
	out := make([]string, len(objs))
	for i, o := range objs {
		out[i] = title(o)
	}
	return out
}

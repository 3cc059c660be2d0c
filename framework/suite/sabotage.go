package suite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"meshgate/framework/manifest"
	"meshgate/framework/mesh"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Sabotage is something made wrong that must turn its feature red: at one step, by one
// field of what that step sees, and at none before it.
type Sabotage struct {
	// Name says what is wrong: "without VirtualService cors".
	Name string
	// Step is the one that must fail; empty means the first that is no action.
	Step string
	// Field is the mismatch that must be named.
	Field string

	needs  mesh.Capability                                                          // empty: nothing of its own
	change func([]*unstructured.Unstructured) ([]*unstructured.Unstructured, error) // of what is given; nil: as it is
	more   Given                                                                    // stands beside what is given; nil: nothing
	before string                                                                   // the step before which meddle is done
	meddle func(context.Context, *Env) error                                        // nil: nothing
}

// Called gives a sabotage a name in words, where that of its making lists whole settings.
func (s Sabotage) Called(name string) Sabotage {
	s.Name = name
	return s
}

// At says at which step the feature must turn red, where that is not the first.
func (s Sabotage) At(step string) Sabotage {
	s.Step = step
	return s
}

// Needing has a sabotage left undone where the capability is absent, as it is where the
// step that must fail would be skipped.
func (s Sabotage) Needing(c mesh.Capability) Sabotage {
	s.needs = c
	return s
}

// Withhold leaves one object out. Generated secrets are objects like any other.
func Withhold(kind, name, field string) Sabotage {
	return Sabotage{Name: fmt.Sprintf("without %s %s", kind, name), Field: field,
		change: func(objs []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
			left := slices.DeleteFunc(slices.Clone(objs), func(o *unstructured.Unstructured) bool {
				return o.GetKind() == kind && o.GetName() == name
			})
			if len(left) == len(objs) {
				return nil, fmt.Errorf("no such object among the fixtures")
			}
			return left, nil
		}}
}

// Replace sets a field of one object to a wrong value; path as in manifest.SetField.
func Replace(kind, name, field string, value any, path ...string) Sabotage {
	return Sabotage{Name: fmt.Sprintf("%s %s with %s = %v", kind, name, strings.Join(path, "."), value), Field: field,
		change: func(objs []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
			set, err := manifest.NewSet(objs...).With(manifest.SetField(kind, name, value, path...))
			return set.Objects(), err
		}}
}

// Beside has more stand than what is given, for what is made wrong to lead to.
func (s Sabotage) Beside(more Given) Sabotage {
	s.more = more
	return s
}

// Besides has something stand beside what is given that should not be there.
func Besides(name, field string, more Given) Sabotage {
	return Sabotage{Name: name, Field: field}.Beside(more)
}

// Meddle does something behind the feature's back, just before a step, which is the one
// that must fail if At names no later one. It sees what the feature sees, and what it
// changes should be in effect when it returns, for the step may look only once.
func Meddle(before, name, field string, do func(context.Context, *Env) error) Sabotage {
	return Sabotage{Name: name, Step: before, Field: field, before: before, meddle: do}
}

// apply returns what is given with the sabotage done. A target that does not exist is
// an error: a sabotage that changes nothing must not count as survived or killed.
func (s *Sabotage) apply(objs []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	if s.change == nil {
		return objs, nil
	}
	objs, err := s.change(objs)
	if err != nil {
		return nil, fmt.Errorf("sabotage %q: %w", s.Name, err)
	}
	return objs, nil
}

// Target is the step at which a sabotage must turn the feature red.
func (f Feature) Target(s Sabotage) string {
	if s.Step != "" {
		return s.Step
	}
	for _, step := range f.Then {
		if step.kind != action {
			return step.Name
		}
	}
	return ""
}

// shows are the capabilities without which a sabotage would show nothing.
func (f Feature) shows(s Sabotage) []mesh.Capability {
	var needs []mesh.Capability
	if s.needs != "" {
		needs = append(needs, s.needs)
	}
	for _, step := range slices.Concat(f.Then, closing()) {
		if step.Name == f.Target(s) && step.needs != "" {
			needs = append(needs, step.needs)
		}
	}
	return needs
}

// Asserts lists the steps by which the feature could turn red for the mesh's sake, with
// those that end every feature.
func (f Feature) Asserts() []string {
	var names []string
	for _, step := range slices.Concat(f.Then, closing()) {
		if step.kind == assertion {
			names = append(names, step.Name)
		}
	}
	return names
}

// Steps lists the feature's steps, with those that end every feature.
func (f Feature) Steps() []string {
	var names []string
	for _, step := range slices.Concat(f.Then, closing()) {
		names = append(names, step.Name)
	}
	return names
}

// Ending tells whether a step is one of those that end every feature.
func (f Feature) Ending(step string) bool {
	return slices.ContainsFunc(closing(), func(s Step) bool { return s.Name == step })
}

// sabotageable refuses a sabotage that could not be judged.
func (f Feature) sabotageable() error {
	if len(f.Sabotage) == 0 {
		return fmt.Errorf("feature %s declares no sabotage: say what must turn it red", f.Name)
	}
	steps, seen := f.Steps(), map[string]bool{}
	for _, s := range f.Sabotage {
		switch {
		case seen[s.Name]:
			return fmt.Errorf("feature %s: two sabotages are called %q", f.Name, s.Name)
		case s.Field == "":
			return fmt.Errorf("feature %s: sabotage %q does not say which field must be named", f.Name, s.Name)
		case !slices.Contains(steps, f.Target(s)), s.before != "" && !slices.Contains(steps, s.before):
			return fmt.Errorf("feature %s: sabotage %q is about a step that is not there: %q", f.Name, s.Name, f.Target(s))
		}
		seen[s.Name] = true
	}
	return nil
}

package suite

import (
	"fmt"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
)

// Sabotage is a change that must turn its feature red: at one step, by one field of what
// that step sees, and at no step before it.
type Sabotage struct {
	// Name says what is wrong: "without VirtualService cors".
	Name string
	// Step is the step that must fail; empty means the first that is no action.
	Step string
	// Field is the mismatch that must be named.
	Field expect.Field
	// Needs is a capability without which the sabotage is left out; empty: none of its own.
	Needs mesh.Capability
	// Change is made to the objects of the feature's Setup; nil: none.
	Change func(manifest.Set) (manifest.Set, error)
	// Extra makes objects that are applied along with those of the feature; nil: none.
	Extra Setup
	// Before is the step just before which Action is done; empty: none is.
	Before string
	// Action is done before that step.
	Action Action
}

// Withhold leaves one object of the Setup out. Generated secrets are objects like any other.
func Withhold(kind, name string, field expect.Field) Sabotage {
	return Sabotage{Name: fmt.Sprintf("without %s %s", kind, name), Field: field,
		Change: func(set manifest.Set) (manifest.Set, error) { return set.Without(kind, name) }}
}

// Replace sets a field of one object of the Setup to a wrong value; the path is that of
// manifest.SetField.
func Replace(kind, name string, field expect.Field, value any, path ...string) Sabotage {
	edit := manifest.SetField(kind, name, value, path...)
	return Sabotage{Name: fmt.Sprintf("%s %s with %s = %v", kind, name, strings.Join(path, "."), value), Field: field,
		Change: func(set manifest.Set) (manifest.Set, error) { return set.With(edit) }}
}

// AddObject applies objects along with those of the Setup that should not be there.
func AddObject(name string, field expect.Field, extra Setup) Sabotage {
	return Sabotage{Name: name, Field: field, Extra: extra}
}

// BreakBefore does something that the feature does not know of, just before a step, which
// is the one that must fail if At names no later one. What the action changes should be in
// effect when it returns, for the step may look only once.
func BreakBefore(step, name string, field expect.Field, action Action) Sabotage {
	return Sabotage{Name: name, Step: step, Field: field, Before: step, Action: action}
}

// Called gives a sabotage a name in words, where the generated one lists whole settings.
func (s Sabotage) Called(name string) Sabotage {
	s.Name = name
	return s
}

// At says at which step the feature must turn red, where that is not the first.
func (s Sabotage) At(step string) Sabotage {
	s.Step = step
	return s
}

// Needing leaves the sabotage out where the capability is absent, as it is left out where
// the step that must fail would be skipped.
func (s Sabotage) Needing(c mesh.Capability) Sabotage {
	s.Needs = c
	return s
}

// WithExtra applies more objects along with those of the Setup, for the change to lead to.
func (s Sabotage) WithExtra(extra Setup) Sabotage {
	s.Extra = extra
	return s
}

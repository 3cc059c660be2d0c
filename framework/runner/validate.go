package runner

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"meshgate/framework/nearest"
	"meshgate/framework/report"
	"meshgate/framework/suite"
)

// Validate refuses a suite that could be green without proving anything, and a sabotage
// that could not be judged. It needs no cluster.
func Validate(s suite.Suite) error {
	if s.Name == "" || s.Promise == "" || len(s.Features) == 0 {
		return fmt.Errorf("suite %q: name, promise and at least one feature are needed", s.Name)
	}
	var errs []error
	seen := map[string]bool{}
	for _, f := range s.Features {
		if seen[f.Name] {
			errs = append(errs, fmt.Errorf("suite %s: two features are called %q", s.Name, f.Name))
		}
		seen[f.Name] = true
		if err := validateFeature(f); err != nil {
			errs = append(errs, fmt.Errorf("suite %s: %w", s.Name, err))
		}
	}
	return errors.Join(errs...)
}

func validateFeature(f suite.Feature) error {
	if f.Name == "" || f.Promise == "" || f.Spec == "" {
		return fmt.Errorf("feature %q: name, promise and spec are needed", f.Name)
	}
	names, asserts := map[string]bool{}, 0
	for _, st := range f.Steps {
		if names[st.Name] {
			return fmt.Errorf("feature %s: two steps are called %q", f.Name, st.Name)
		}
		names[st.Name] = true
		if err := validateStep(st); err != nil {
			return fmt.Errorf("feature %s: %w", f.Name, err)
		}
		if st.Kind == report.Assertion {
			asserts++
		}
	}
	if asserts == 0 {
		return fmt.Errorf("feature %s asserts nothing", f.Name)
	}
	return validateSabotages(f)
}

func validateStep(s suite.Step) error {
	switch {
	case s.Name == "":
		return errors.New("a step has no name, and neither reports nor filters see it")
	case s.Kind == report.Action && s.Action.Run == nil:
		return fmt.Errorf("step %q does nothing", s.Name)
	case s.Kind != report.Action && len(s.Conditions) == 0:
		return fmt.Errorf("step %q asks nothing", s.Name)
	}
	return validateEdits(s.Action)
}

// validateEdits checks the paths that an action will change, as far as they are known.
func validateEdits(a suite.Action) error {
	var errs []error
	for _, edit := range a.Edits {
		errs = append(errs, edit.Check())
	}
	return errors.Join(errs...)
}

func validateSabotages(f suite.Feature) error {
	if len(f.Sabotage) == 0 {
		return fmt.Errorf("feature %s declares no sabotage: say what must turn it red", f.Name)
	}
	var errs []error
	seen := map[string]bool{}
	for _, w := range f.Sabotage {
		if seen[w.Name] {
			errs = append(errs, fmt.Errorf("feature %s: two sabotages are called %q", f.Name, w.Name))
		}
		seen[w.Name] = true
		if err := validateSabotage(f, w); err != nil {
			errs = append(errs, fmt.Errorf("feature %s: sabotage %q: %w", f.Name, w.Name, err))
		}
	}
	return errors.Join(errs...)
}

func validateSabotage(f suite.Feature, w suite.Sabotage) error {
	steps, target := Steps(f), Target(f, w)
	switch {
	case w.Field == "":
		return errors.New("it does not say which field must be named")
	case !slices.Contains(steps, target):
		return fmt.Errorf("it is about a step that is not there: %q; %s", target, nearest.To(target, steps))
	case w.Before != "" && !slices.Contains(steps, w.Before):
		return fmt.Errorf("it is done before a step that is not there: %q; %s", w.Before, nearest.To(w.Before, steps))
	}
	if err := HasField(f, target, string(w.Field)); err != nil {
		return err
	}
	return validateEdits(w.Action)
}

// HasField is an error if no condition of a step of the feature can find the field wrong.
func HasField(f suite.Feature, step, field string) error {
	for _, s := range stepsOf(f) {
		if s.Name != step {
			continue
		}
		var fields []string
		for _, c := range s.Conditions {
			for _, one := range c.Fields() {
				fields = append(fields, string(one))
			}
		}
		if slices.Contains(fields, field) {
			return nil
		}
		slices.Sort(fields)
		return fmt.Errorf("no check of step %q can find the field %q wrong; %s; the step's fields: %s",
			step, field, nearest.To(field, fields), strings.Join(slices.Compact(fields), ", "))
	}
	return fmt.Errorf("there is no step %q; %s", step, nearest.To(step, Steps(f)))
}

package defect

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"meshgate/framework/nearest"
	"meshgate/framework/runner"
	"meshgate/framework/suite"
)

// Check refuses defects that name a feature, a step or a field which the suites do not
// have: such a defect could not be judged. It needs no cluster.
func Check(defects []Defect, suites []suite.Suite) error {
	features := map[string]suite.Feature{}
	for _, s := range suites {
		for _, f := range s.Features {
			features[runner.Key(s.Name, f.Name)] = f
		}
	}
	var errs []error
	for _, d := range defects {
		for _, seen := range d.Sees {
			if err := seen.check(features); err != nil {
				errs = append(errs, fmt.Errorf("defect %s: %w", d.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (s Seen) check(features map[string]suite.Feature) error {
	f, ok := features[s.Feature]
	if !ok {
		return fmt.Errorf("there is no feature %s; %s", s.Feature, nearest.To(s.Feature, slices.Sorted(maps.Keys(features))))
	}
	if err := runner.HasField(f, s.Step, s.Field); err != nil {
		return fmt.Errorf("feature %s: %w", s.Feature, err)
	}
	return nil
}

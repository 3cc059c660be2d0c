// Package replay finds in a report the step at which a feature failed, so that a run can set
// it up again. It sends no request to a cluster.
package replay

import (
	"errors"
	"fmt"
	"strings"

	"meshgate/framework/report"
)

// Target is the first step of a feature that failed in an earlier run.
type Target struct {
	Run, Suite, Feature string
	Step                report.Step
	Facts               report.Facts // the cluster and mesh of that run
}

// Find picks the feature of that name from a report; the name is "suite/Feature" when several
// suites have such a feature. The error says why there is nothing to replay.
func Find(run report.Run, name string) (Target, error) {
	if len(run.Kills) > 0 {
		return Target{}, fmt.Errorf("run %s is a sabotage run, whose failures are intended: name the report of another run", run.ID)
	}
	var found, near, all []Target
	var features []report.Feature
	for _, s := range run.Suites {
		for _, f := range s.Features {
			t := Target{Run: run.ID, Suite: s.Name, Feature: f.Name, Facts: run.Facts}
			all = append(all, t)
			switch {
			case name == f.Name, name == t.String():
				found, features = append(found, t), append(features, f)
			case strings.EqualFold(name, f.Name), strings.EqualFold(name, t.String()):
				near = append(near, t)
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0].at(features[0])
	case len(found) > 1:
		return Target{}, fmt.Errorf("feature %q is in several suites: name one of %s", name, list(found))
	case len(near) > 0:
		return Target{}, fmt.Errorf("feature %q is not in run %s: did you mean %s?", name, run.ID, list(near))
	}
	return Target{}, missing(run, name, all)
}

// String is the exact name, "suite/Feature".
func (t Target) String() string { return t.Suite + "/" + t.Feature }

// missing says which features the run has instead, or why its suites could not start.
func missing(run report.Run, name string, all []Target) error {
	if len(all) > 0 {
		return fmt.Errorf("feature %q is not in run %s, which has %s", name, run.ID, list(all))
	}
	err := fmt.Errorf("feature %q is not in run %s, which has no feature", name, run.ID)
	for _, s := range run.Suites {
		if s.Error != "" {
			err = errors.Join(err, fmt.Errorf("suite %s: %s", s.Name, s.Error))
		}
	}
	return err
}

// at returns the target with the step at which the feature failed.
func (t Target) at(f report.Feature) (Target, error) {
	for _, s := range f.Steps {
		if s.Status != report.Pass && s.Status != report.Skip {
			t.Step = s
			return t, nil
		}
	}
	status, why := f.Judged()
	switch {
	case status == report.Pass:
		return t, fmt.Errorf("%s did not fail in run %s: it passed, so there is no step to replay", t, t.Run)
	case status == report.Skip:
		return t, fmt.Errorf("%s did not run in run %s, so it did not fail: skipped: %s", t, t.Run, why)
	}
	return t, fmt.Errorf("no step of %s failed in run %s, whose verdict is: %s: %s", t, t.Run, status, why)
}

// Saw is the failure that the report has for the step.
func (t Target) Saw() string {
	if t.Step.Failure == nil {
		return string(t.Step.Status)
	}
	return t.Step.Failure.Message
}

// Elsewhere says in one line how the present cluster and mesh differ from those of the
// earlier run; it is empty if they do not differ in a relevant way.
func (t Target) Elsewhere(now report.Facts) string {
	was, is := t.Facts, now
	var differs []string
	for _, f := range [][3]string{
		{"mesh", was.Mesh.Flavour + " " + was.Mesh.Version, is.Mesh.Flavour + " " + is.Mesh.Version},
		{"revision", was.Mesh.Revision, is.Mesh.Revision},
		{"provider", was.Cluster.Provider, is.Cluster.Provider},
		{"Kubernetes", was.Cluster.Kubernetes, is.Cluster.Kubernetes},
	} {
		if f[1] != f[2] {
			differs = append(differs, fmt.Sprintf("%s %q instead of %q", f[0], f[2], f[1]))
		}
	}
	return strings.Join(differs, ", ")
}

func list(targets []Target) string {
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}

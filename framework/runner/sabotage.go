package runner

import (
	"context"
	"fmt"
	"slices"

	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/report"
	"meshgate/framework/suite"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// conduct is how a feature is run in a round: as it is declared, or with something wrong.
type conduct interface {
	// setUp applies the objects of the feature.
	setUp(ctx context.Context, e *environment, f suite.Feature) error
	// before is what is done just before a step, and under which name; nil: nothing.
	before(step string) (name string, action *suite.Action)
	// needs are capabilities without which the round would prove nothing about the feature.
	needs(f suite.Feature) []mesh.Capability
	// called is the feature's name, for people, with what is wrong.
	called(f suite.Feature) string
	// expected tells of a failed step whether it had to fail, and by which mismatch.
	expected(f suite.Feature, s report.Step) (report.Mismatch, bool)
	// certain tells whether an expected failure ends a wait before its deadline.
	certain() bool
}

// asDeclared runs a feature as it is: whatever fails was not expected.
type asDeclared struct{}

func (asDeclared) setUp(ctx context.Context, e *environment, f suite.Feature) error {
	objs, err := e.objects(f.Setup)
	if err != nil {
		return err
	}
	return e.setUp(ctx, objs, objs)
}

func (asDeclared) before(string) (string, *suite.Action) { return "", nil }
func (asDeclared) needs(suite.Feature) []mesh.Capability { return nil }
func (asDeclared) called(f suite.Feature) string         { return f.Name }
func (asDeclared) certain() bool                         { return false }
func (asDeclared) expected(suite.Feature, report.Step) (report.Mismatch, bool) {
	return report.Mismatch{}, false
}

// underDefect runs a feature as it is in a mesh that has a defect.
type underDefect struct {
	asDeclared
	suite  string
	expect func(suite, feature string, s report.Step) (report.Mismatch, bool)
}

func (u underDefect) certain() bool { return true }

func (u underDefect) expected(f suite.Feature, s report.Step) (report.Mismatch, bool) {
	if s.Status != report.Fail {
		return report.Mismatch{}, false
	}
	return u.expect(u.suite, f.Name, s)
}

// sabotaged runs a feature with one of its sabotages.
type sabotaged struct{ *suite.Sabotage }

func (w sabotaged) setUp(ctx context.Context, e *environment, f suite.Feature) error {
	declared, objs, extra, err := w.objects(e, f)
	if err != nil {
		return err
	}
	if err := e.setUp(ctx, slices.Concat(declared, extra), slices.Concat(objs, extra)); err != nil || len(extra) == 0 {
		return err
	}
	return suite.Infrastructure(e.host.programmed(ctx, mesh.Wanted{Applied: extra})) // a step may look only once
}

// objects are those that the feature declares, those with the change made, and the extra
// ones. A change of an object that is not there is an error: a sabotage that changes nothing
// must not count as survived or killed.
func (w sabotaged) objects(e *environment, f suite.Feature) (declared, objs, extra []*unstructured.Unstructured, err error) {
	if declared, err = e.objects(f.Setup); err != nil {
		return nil, nil, nil, err
	}
	objs = declared
	if w.Change != nil {
		set, err := w.Change(manifest.NewSet(declared...))
		if err != nil {
			return nil, nil, nil, suite.Infrastructure(fmt.Errorf("sabotage %q: %w", w.Name, err))
		}
		objs = set.Objects()
	}
	if w.Extra != nil {
		extra, err = e.objects([]suite.Setup{w.Extra})
	}
	return declared, objs, extra, err
}

func (w sabotaged) before(step string) (string, *suite.Action) {
	if w.Before != step {
		return "", nil
	}
	return "sabotage: " + w.Name, &w.Action
}

func (w sabotaged) needs(f suite.Feature) []mesh.Capability {
	var needs []mesh.Capability
	if w.Needs != "" {
		needs = append(needs, w.Needs)
	}
	for _, step := range stepsOf(f) {
		if step.Name == Target(f, *w.Sabotage) && step.Needs != "" {
			needs = append(needs, step.Needs)
		}
	}
	return needs
}

func (w sabotaged) called(f suite.Feature) string { return fmt.Sprintf("%s (%s)", f.Name, w.Name) }
func (w sabotaged) certain() bool                 { return true }

func (w sabotaged) expected(f suite.Feature, s report.Step) (report.Mismatch, bool) {
	if s.Status != report.Fail {
		return report.Mismatch{}, false
	}
	return Named(s, Target(f, *w.Sabotage), string(w.Field))
}

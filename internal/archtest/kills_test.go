package archtest

import (
	"testing"

	"meshgate/defects"
	"meshgate/framework/defect"
	"meshgate/framework/runner"
	"meshgate/suites"

	"github.com/stretchr/testify/require"
)

// unbroken are assertions that nothing breaks, each with the reason.
func unbroken() map[[2]string]string {
	return map[[2]string]string{
		{"mongo-ingress/MongoAccessLog", "the gateway counted them on their way to the database"}: "what the gateway counts is shared with its neighbours: it can be moved, and not held, without stopping them",
	}
}

// An assertion that nothing breaks may be one that cannot fail.
func TestEveryAssertionHasSomethingThatBreaksIt(t *testing.T) {
	broken := map[[2]string]bool{} // by feature and step
	endings := map[string]bool{}   // steps that end every feature: once is enough
	all, err := defect.Load(defects.FS)
	require.NoError(t, err)
	for _, d := range all {
		for _, s := range d.Sees {
			broken[[2]string{s.Feature, s.Step}], endings[s.Step] = true, true
		}
	}
	for _, s := range suites.All() {
		for _, f := range s.Features {
			for _, w := range f.Sabotage {
				broken[[2]string{runner.Key(s.Name, f.Name), runner.Target(f, w)}], endings[runner.Target(f, w)] = true, true
			}
		}
	}
	for _, s := range suites.All() {
		for _, f := range s.Features {
			for _, step := range runner.Assertions(f) {
				key := runner.Key(s.Name, f.Name)
				if !broken[[2]string{key, step}] && unbroken()[[2]string{key, step}] == "" && !(runner.EndsEvery(step) && endings[step]) {
					t.Errorf("%s: nothing breaks %q: declare a sabotage in the feature, or a defect in defects/", key, step)
				}
			}
		}
	}
}

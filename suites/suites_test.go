package suites

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/defects"
	"meshgate/framework/defect"
	"meshgate/framework/runner"
)

// What a suite's author got wrong is said here, without a cluster: a step that asserts
// nothing, a sabotage whose field no check can find wrong, a path that an object's type does
// not have, an object that no Setup makes.
func TestEverySuiteIsValid(t *testing.T) {
	for _, s := range All() {
		assert.NoError(t, runner.Validate(s))
		assert.NoError(t, runner.CheckObjects(s))
	}
}

func TestEveryDefectNamesAStepAndAFieldThatThereAre(t *testing.T) {
	all, err := defect.Load(defects.FS)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(all), 40)
	assert.NoError(t, defect.Check(all, All()))
}

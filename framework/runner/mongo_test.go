package runner

import (
	"testing"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/report"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPasswordThatTheDatabaseRefusesIsAnErrorOfTheSetUp(t *testing.T) {
	err := notSetUp("bookinfo-s", "meshgate", probe.Observation{
		Failure: &probe.Failure{Class: probe.ClassAuth, Phase: probe.PhaseAuth, Message: "Authentication failed."}})
	assert.EqualError(t, err, "set up the database in namespace bookinfo-s as user meshgate: auth in auth: Authentication failed.")
	assert.Equal(t, report.Error, statusOf(err), "it is not held against the mesh")
}

func TestALogLineThatCannotBeReadIsAMismatchAndNeverSkipped(t *testing.T) {
	const good = `[2026-11-21T19:45:52.582Z] "- - -" 0 UH - - "-" 0 0 0 - "-" "-" "-" "-" "-" BlackHoleCluster - 10.0.0.1:27018 10.0.0.2:5 - -`
	const bad = `[2026-11-21T19:45:52.582Z] "- - -" 0 UH - - "-" 0 many 0 - "-" "-" "-" "-" "-" BlackHoleCluster - 10.0.0.1:27018 10.0.0.2:5 - -`
	lines, err := linesIn([]byte("2026-11-21T19:45:51Z\tinfo\tready\n" + good + "\n"))
	require.NoError(t, err)
	assert.Len(t, lines, 1)
	_, err = linesIn([]byte(good + "\n" + bad + "\n" + good + "\n"))
	wrong := expect.Mismatches(err)
	require.Len(t, wrong, 1)
	assert.Equal(t, expect.FieldLogFormat, wrong[0].Field)
	assert.Contains(t, wrong[0].Got, `bytes_sent (field 9`)
	assert.Contains(t, wrong[0].Got, `"many"`)
	assert.Equal(t, report.Fail, statusOf(err))
}

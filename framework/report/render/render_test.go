package render_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/report"
	"meshgate/framework/report/render"
	"meshgate/framework/report/reporttest"
)

// TestARunLeavesEveryForm: the report comes first, because it is the one that is pointed to.
func TestARunLeavesEveryForm(t *testing.T) {
	dir, run := t.TempDir(), reporttest.Sample()
	assert.Equal(t, []string{"report.json", "junit.xml", "report.html", "summary.md", "conformance.yaml", "metrics.prom"}, written(t, dir, run))
	run.Kills = []report.Kill{{By: report.Sabotaged, Suite: "s", Feature: "F", Outcome: report.Survived}}
	assert.Contains(t, written(t, dir, run), "kill-matrix.md")
}

// written are the files that a run left in its folder.
func written(t *testing.T, dir string, run report.Run) []string {
	t.Helper()
	files, err := render.Write(dir, run)
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		name, err := filepath.Rel(filepath.Join(dir, run.ID), file)
		require.NoError(t, err)
		assert.FileExists(t, file)
		names = append(names, name)
	}
	return names
}

package main

import (
	"os"
	"path/filepath"
	"testing"

	"meshgate/suites"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEverySuiteGetsAPageOfItsPromisesStepsAndSabotage(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "docs"), 0o755))
	for _, s := range suites.All() {
		require.NoError(t, os.MkdirAll(filepath.Join(root, "suites", s.Name), 0o755))
	}
	require.NoError(t, generate(root))
	settings, err := os.ReadFile(filepath.Join(root, "docs", "configuration.md"))
	require.NoError(t, err)
	assert.Contains(t, string(settings), "MESHGATE_PROVIDER")
	for _, name := range []string{"report", "diff"} {
		schema, err := os.ReadFile(filepath.Join(root, "docs", name+".schema.json"))
		require.NoError(t, err)
		assert.Contains(t, string(schema), "/draft/2020-12/")
	}
	for _, s := range suites.All() {
		page, err := os.ReadFile(filepath.Join(root, "suites", s.Name, "README.md"))
		require.NoError(t, err)
		assert.Contains(t, string(page), s.Promise)
		for _, f := range s.Features {
			assert.Contains(t, string(page), "## "+f.Name+"\n\n"+f.Promise)
			for _, step := range f.Then {
				assert.Contains(t, string(page), "- "+step.Describe()+"\n")
			}
			for _, w := range f.Sabotage {
				assert.Contains(t, string(page), "- "+w.Name+"\n")
			}
		}
	}
}

func TestAFolderThatIsMissingIsAnError(t *testing.T) {
	assert.ErrorIs(t, generate(t.TempDir()), os.ErrNotExist)
}

package scaffold

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const repo = "../.."

// checkout is a copy of the files that Git has of this one, or would have.
func checkout(t *testing.T) string {
	t.Helper()
	list := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	list.Dir = repo
	out, err := list.Output()
	require.NoError(t, err)
	root := t.TempDir()
	for _, file := range strings.Fields(string(out)) {
		text, err := os.ReadFile(filepath.Join(repo, file))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, file)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, file), text, 0o644))
	}
	return root
}

func TestANewSuiteCompilesAndIsValid(t *testing.T) {
	root := checkout(t)
	written, err := Write(root, "my-suite")
	require.NoError(t, err)
	assert.Contains(t, written, "suites/my-suite/served.go")
	assert.Contains(t, written, "suites/suites.go")
	run := exec.Command("go", "test", "-vet=off", "./suites", "-run", "Valid")
	run.Dir = root // the packages come from the cache: paths of this machine are trimmed
	out, err := run.CombinedOutput()
	require.NoError(t, err, string(out))
	_, err = Write(root, "my-suite")
	assert.ErrorContains(t, err, `suite "my-suite": suites/my-suite is there already`)
}

func TestNothingIsWrittenForANameThatCannotBeOne(t *testing.T) {
	root := t.TempDir()
	for name, want := range map[string]string{
		"":                      "want lower-case letters",
		"My-Suite":              "want lower-case letters",
		"two--dashes":           "want lower-case letters",
		"../elsewhere":          "want lower-case letters",
		strings.Repeat("a", 41): "at most 40 characters",
		"go":                    "cannot be the name of its Go package",
		"good":                  "no checkout of meshgate",
	} {
		_, err := Write(root, name)
		assert.ErrorContains(t, err, want, name)
	}
	files, err := os.ReadDir(root)
	require.NoError(t, err)
	assert.Empty(t, files)
}

// The commented feature of CONTRIBUTING.md is the one that a new suite begins with.
func TestContributingShowsTheFeatureOfANewSuite(t *testing.T) {
	files, err := suite{"my-suite", "mysuite"}.files()
	require.NoError(t, err)
	feature := string(files["suites/my-suite/served.go"])
	page, err := os.ReadFile(filepath.Join(repo, "CONTRIBUTING.md"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "```go\n"+feature[strings.Index(feature, "// served:"):]+"```\n")
}

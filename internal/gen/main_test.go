package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"meshgate/framework/report"
	"meshgate/framework/runner"
	"meshgate/suites"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// generated is a folder like the project's, with the generated files in it.
func generated(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "docs"), 0o755))
	for _, s := range suites.All() {
		require.NoError(t, os.MkdirAll(filepath.Join(root, "suites", s.Name), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "docs", "report.md"), []byte(published(t, "report.md")), 0o600))
	require.NoError(t, generate(root))
	return root
}

func published(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../docs", name))
	require.NoError(t, err)
	return string(data)
}

func TestThePublishedDescriptionsOfTheDocumentsAreThoseOfTheirTypes(t *testing.T) {
	root := generated(t)
	for _, name := range []string{"report.schema.json", "diff.schema.json", "report.md"} {
		data, err := os.ReadFile(filepath.Join(root, "docs", name))
		require.NoError(t, err)
		assert.Equal(t, published(t, name), string(data), "%s differs: run make generate and look at the change", name)
	}
}

func TestASchemaSaysWhatIsRequiredAndWhatEachFieldMeans(t *testing.T) {
	s, err := schemaOf(reportDocument())
	require.NoError(t, err)
	assert.Equal(t, "https://json-schema.org/draft/2020-12/schema", s.Version)
	assert.Subset(t, s.Required, []string{"schema", "id", "suites", "verdict"})
	assert.NotContains(t, s.Required, "kills")
	step := s.Definitions["Step"]
	status, _ := step.Properties.Get("status")
	assert.Equal(t, []any{report.Pass, report.Fail, report.Skip, report.Error, report.Inconclusive}, status.Enum)
	attempts, _ := step.Properties.Get("attempts")
	assert.Equal(t, "Attempts counts the tries that were needed; 1 means at once.", attempts.Description)
	took, _ := step.Properties.Get("tookSeconds")
	assert.Equal(t, "Duration in seconds.", took.Description)
}

func TestATypeWithoutAVersionIsNoDocument(t *testing.T) {
	_, err := schemaOf(document{reflect.TypeFor[report.Step](), "v1"})
	assert.ErrorContains(t, err, `report.Step has no field "schema" for its version`)
}

func TestAPageWithoutTheMarkIsLeftAsItIs(t *testing.T) {
	s, err := schemaOf(reportDocument())
	require.NoError(t, err)
	_, err = withFields("prose", s, "Run")
	assert.ErrorContains(t, err, "is gone")
}

func TestEverySuiteGetsAPageOfItsPromisesStepsAndSabotage(t *testing.T) {
	root := generated(t)
	settings, err := os.ReadFile(filepath.Join(root, "docs", "configuration.md"))
	require.NoError(t, err)
	assert.Contains(t, string(settings), "MESHGATE_PROVIDER")
	for _, s := range suites.All() {
		page, err := os.ReadFile(filepath.Join(root, "suites", s.Name, "README.md"))
		require.NoError(t, err)
		assert.Contains(t, string(page), s.Promise)
		for _, f := range s.Features {
			assert.Contains(t, string(page), "## "+f.Name+"\n\n"+f.Promise)
			assert.Contains(t, string(page), "([specification](../../"+runner.Reference(f)+"))\n")
			for _, step := range f.Steps {
				assert.Contains(t, string(page), "- "+describe(step)+"\n")
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

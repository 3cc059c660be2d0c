package source

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/progress"
	"meshgate/supply/source/recipe"
)

// stamped makes a checkout whose recipe compiles a program of another module, which
// embeds a file that this module does not publish. It needs no network.
func stamped(t *testing.T) string {
	t.Helper()
	dir, other := checkout(t), t.TempDir()
	put(t, other, "go.mod", "module example.test/other\n\ngo 1.26\n")
	put(t, other, "cmd/app/main.go", "package main\n\nimport \"example.test/other/version\"\n\nfunc main() { print(version.Read()) }\n")
	put(t, other, "version/fallback.txt", "unknown\n")
	put(t, other, "version/version.go", `package version

import "embed"

//go:embed *.txt
var files embed.FS

func Read() string {
	raw, err := files.ReadFile("version.txt")
	if err != nil {
		panic(err)
	}
	return string(raw)
}
`)
	put(t, dir, "supply/recipes/apps/go.mod", "module example.test/recipe\n\ngo 1.26\n\nrequire example.test/other v0.0.0\n\nreplace example.test/other => "+other+"\n")
	put(t, dir, "supply/recipes/apps/go.sum", "")
	put(t, dir, "supply/recipes/apps/tools.go", "//go:build tools\n\npackage recipe\n\nimport _ \"example.test/other/cmd/app\"\n")
	put(t, dir, "supply/recipes/apps/stamp", "v1.2.3")
	edit(t, dir, "{module: ../../.., programs: {app: meshgate/app}, vars: {main.version: v7}}",
		"{programs: {app: example.test/other/cmd/app}, vendored: [{to: example.test/other/version/version.txt, file: stamp}]}")
	return dir
}

// edit replaces old in the recipe of the checkout.
func edit(t *testing.T, dir, old, text string) {
	t.Helper()
	const path = "supply/recipes/apps/recipe.yaml"
	raw, err := os.ReadFile(filepath.Join(dir, path))
	require.NoError(t, err)
	require.Contains(t, string(raw), old)
	put(t, dir, path, strings.Replace(string(raw), old, text, 1))
}

// A program sees the file that its own module does not have; the module and the
// recipe's folder stay as they are.
func TestAVendoredFileIsCompiledIn(t *testing.T) {
	from, work := stamped(t), t.TempDir()
	b, err := resolve(context.Background(), from, work, t.TempDir(), progress.Discard())
	require.NoError(t, err)
	img, err := b.Image("docker.io/meshgate/productpage:dev")
	require.NoError(t, err)
	assert.Equal(t, "v1.2.3", run(t, img))
	empty(t, work)
	assert.NoDirExists(t, filepath.Join(from, "supply", "recipes", "apps", "vendor"))
}

func TestAVendoredFileThatCannotBeAddedIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"no such package": {"other/version/version.txt", "other/versoin/version.txt", "want a file in one of the 2 packages that are vendored, got example.test/other/versoin"},
		"package of nobody": {
			"example.test/other/version/version.txt", "example.test/none/version.txt",
			"vendored example.test/none/version.txt: want a file in one of the 2 packages that are vendored, got example.test/none",
		},
		"file that is published": {"other/version/version.txt", "other/version/fallback.txt", "fallback.txt: file exists"},
	} {
		t.Run(name, func(t *testing.T) {
			from, work := stamped(t), t.TempDir()
			edit(t, from, c.old, c.new)
			_, err := resolve(context.Background(), from, work, t.TempDir(), progress.Discard())
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "compiling example.test/other/cmd/app")
			empty(t, work)
		})
	}
}

// tools.go decides what is vendored: one that imports nothing is told as the cause.
func TestNothingVendoredNamesTheCause(t *testing.T) {
	from := stamped(t)
	put(t, from, "supply/recipes/apps/tools.go", "//go:build tools\n\npackage recipe\n")
	const want = "nothing was vendored: want a tools.go that imports the programs"
	_, err := resolve(context.Background(), from, t.TempDir(), t.TempDir(), progress.Discard())
	require.ErrorContains(t, err, want)
	put(t, from, "supply/recipes/apps/go.mod", "module example.test/recipe\n\ngo 1.26\n")
	_, err = resolve(context.Background(), from, t.TempDir(), t.TempDir(), progress.Discard())
	require.ErrorContains(t, err, want)
}

func TestInputsCoverVendoredFilesWhateverTheirNames(t *testing.T) {
	from := stamped(t)
	inputs := func() string {
		t.Helper()
		digest, err := New(Options{Checkout: from}).Inputs(component(t))
		require.NoError(t, err)
		return digest
	}
	before := inputs()
	put(t, from, "supply/recipes/apps/stamp", "v1.2.4")
	content := inputs()
	assert.NotEqual(t, before, content, "the file's content must matter")
	edit(t, from, "other/version/version.txt", "other/version/commit.txt")
	place := inputs()
	assert.NotEqual(t, content, place, "its place must matter")
	// This name is one that nothing else is made from.
	edit(t, from, "file: stamp", "file: README.md")
	put(t, from, "supply/recipes/apps/README.md", "v1")
	named := inputs()
	put(t, from, "supply/recipes/apps/README.md", "v2")
	assert.NotEqual(t, named, inputs(), "the content of one with such a name must matter")
}

// Working ahead compiles such a build without its files: nothing of that fails.
func TestABuildWithVendoredFilesIsCompiledAhead(t *testing.T) {
	from := stamped(t)
	r, err := recipe.Load(filepath.Join(from, "supply", "recipes", "apps"))
	require.NoError(t, err)
	require.NoError(t, load(context.Background(), r, r.Builds[0]))
	require.NoError(t, warm(context.Background(), r, r.Builds[0]))
}

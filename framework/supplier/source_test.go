package supplier

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
)

// made is a source that makes any component out of random bytes.
type made struct{}

func (made) Name() string                                      { return bundle.SourceBuild }
func (made) Available(context.Context, bundle.Component) error { return nil }
func (made) Inputs(bundle.Component) (string, error)           { return "sha256:in", nil }

func (made) Fetch(_ context.Context, c bundle.Component, w bundle.Writer, _ progress.Phase) error {
	for _, name := range c.Images {
		img, err := random.Image(1<<16, 2)
		if err != nil {
			return err
		}
		if err := w.Image(bundle.Entry{Name: name, Origin: "a test", Contains: "nothing"}, img); err != nil {
			return err
		}
	}
	for _, name := range c.Files {
		tree := fstest.MapFS{path.Base(name): {Data: []byte("kind: Namespace\n")}}
		if err := w.Files(bundle.Entry{Name: name, Origin: "a test"}, tree); err != nil {
			return err
		}
	}
	return nil
}

// builds is a stand-in that "builds" by copying a bundle that was made before, and
// notes what it was told.
func builds(t *testing.T, components ...string) (p Program, before, dir string) {
	t.Helper()
	before = filepath.Join(t.TempDir(), "before")
	b, err := bundle.Resolve(t.Context(), bundle.Options{Dir: before, Sources: []bundle.Source{made{}}}, components)
	require.NoError(t, err)
	b.Close()
	p, dir = standIn(t, `echo "$*" >>"$dir/told"
case $2 in
inputs) echo '{"inputs":"sha256:in"}' ;;
fill) mkdir -p "$4" && cp -rl '`+before+`'/. "$4" && echo '{"note":"compiled"}' ;;
esac`)
	return p, before, dir
}

// The writer of the bundle holds its lock while the program fills the staging bundle.
func TestComponentsComeFromTheStagingBundle(t *testing.T) {
	p, before, at := builds(t, "metallb", "apps")
	dir := filepath.Join(t.TempDir(), "bundle")
	o := bundle.Options{Dir: dir, Sources: []bundle.Source{p.Source(dir)}}
	b, err := bundle.Resolve(t.Context(), o, []string{"metallb", "apps"})
	require.NoError(t, err)
	defer b.Close()
	for _, e := range b.Lock().Entries {
		assert.Equal(t, "a test", e.Origin)
		assert.Equal(t, "sha256:in", e.Inputs)
		assert.Equal(t, bundle.SourceBuild, e.Source)
		if e.Kind == bundle.KindImage {
			assert.Equal(t, "nothing", e.Contains)
		}
	}
	tree, err := b.Manifest("manifests/metallb-native.yaml")
	require.NoError(t, err)
	assert.Contains(t, string(tree), "kind: Namespace")
	assert.NoDirExists(t, filepath.Join(dir, "staging"))
	linked(t, before, dir)
	told, err := os.ReadFile(filepath.Join(at, "told"))
	require.NoError(t, err)
	assert.Contains(t, string(told), "--events fill --dir "+dir+"/staging --next apps metallb\n")
	assert.Contains(t, string(told), "--events fill --dir "+dir+"/staging apps\n")
}

// linked proves that layers were not written a second time: a node's is a gigabyte.
func linked(t *testing.T, before, after string) {
	t.Helper()
	blobs, err := filepath.Glob(filepath.Join(before, "blobs", "sha256", "*"))
	require.NoError(t, err)
	layers := 0
	for _, blob := range blobs {
		was, err := os.Stat(blob)
		require.NoError(t, err)
		if was.Size() < 1<<16 {
			continue // a manifest or a configuration
		}
		is, err := os.Stat(filepath.Join(after, "blobs", "sha256", filepath.Base(blob)))
		require.NoError(t, err)
		assert.True(t, os.SameFile(was, is), "layer %s was copied", filepath.Base(blob))
		layers++
	}
	assert.Positive(t, layers)
}

func TestWhatIsCachedIsNotBuiltAgainUnlessItsInputsChanged(t *testing.T) {
	p, _, at := builds(t, "apps")
	dir := filepath.Join(t.TempDir(), "bundle")
	o := bundle.Options{Dir: dir, Sources: []bundle.Source{p.Source(dir)}}
	for range 2 {
		b, err := bundle.Resolve(t.Context(), o, []string{"apps"})
		require.NoError(t, err)
		b.Close()
	}
	assert.Equal(t, 1, fills(t, at))
	o.Sources = []bundle.Source{find(nil).Source(dir)}
	b, err := bundle.Resolve(t.Context(), o, []string{"apps"})
	require.NoError(t, err, "where nobody can say what is new, what is cached stays good")
	b.Close()
	edited, _ := standIn(t, `case $2 in inputs) echo '{"inputs":"sha256:edited"}' ;; available) echo '{"error":"no checkout"}'; exit 2 ;; esac`)
	o.Sources = []bundle.Source{edited.Source(dir)}
	_, err = bundle.Resolve(t.Context(), o, []string{"apps"})
	require.ErrorContains(t, err, "source no checkout")
	require.ErrorContains(t, err, "what it is made from has changed")
}

// fills is how often the stand-in was told to build.
func fills(t *testing.T, dir string) int {
	t.Helper()
	told, err := os.ReadFile(filepath.Join(dir, "told"))
	require.NoError(t, err)
	return strings.Count(string(told), "--events fill ")
}

func TestABuildThatFailsLeavesNoStagingBundle(t *testing.T) {
	p, _ := standIn(t, `case $2 in
inputs) echo '{"inputs":"sha256:in"}' ;;
fill) mkdir -p "$4/blobs"; echo '{"error":"build of apps: it does not compile"}'; exit 2 ;;
esac`)
	dir := filepath.Join(t.TempDir(), "bundle")
	_, err := bundle.Resolve(t.Context(), bundle.Options{Dir: dir, Sources: []bundle.Source{p.Source(dir)}}, []string{"apps"})
	require.ErrorContains(t, err, "it does not compile")
	assert.NoDirExists(t, filepath.Join(dir, "staging"))
}

func TestWithoutTheProgramABundleThatMustBeBuiltSaysSo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	dir := filepath.Join(t.TempDir(), "bundle")
	_, err := bundle.Resolve(t.Context(), bundle.Options{Dir: dir, Sources: []bundle.Source{find(nil).Source(dir)}}, []string{"apps"})
	require.ErrorIs(t, err, ErrNoProgram)
	require.ErrorContains(t, err, "`make build`")
}

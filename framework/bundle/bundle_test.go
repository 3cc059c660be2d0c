package bundle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOpenTellsWhatIsWrong(t *testing.T) {
	entry := `{"component":"node","name":"a","digest":"sha256:` + strings.Repeat("0", 64) + `"}`
	cases := map[string]struct {
		lock string
		want error
		says string
	}{
		"empty":     {"", ErrCorrupt, "is not a lock"},
		"cut":       {`{"schema":1,"platform":"linux/`, ErrCorrupt, "is not a lock"},
		"no schema": {`{"entries":[]}`, ErrCorrupt, "schema 0"},
		"newer":     {`{"schema":2,"layers":{}}`, ErrNewer, "has schema 2, this one reads up to 1"},
		"unknown":   {`{"schema":1,"platfrom":"x"}`, ErrCorrupt, "platfrom"},
		"platform":  {`{"schema":1,"platform":"linux/s390x","entries":[]}`, ErrPlatform, "for linux/s390x, this machine needs " + Platform()},
		"digest":    {`{"schema":1,"platform":"` + Platform() + `","entries":[{"component":"node","name":"a","digest":"sha256:12"}]}`, ErrCorrupt, `entry "a"`},
		"twice":     {`{"schema":1,"platform":"` + Platform() + `","entries":[` + entry + `,` + entry + `]}`, ErrCorrupt, "has a twice"},
	}
	for name, c := range cases {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, lockFile), []byte(c.lock), 0o644))
		_, err := Open(dir)
		require.ErrorIs(t, err, c.want, name)
		assert.ErrorContains(t, err, c.says, name)
		assert.ErrorContains(t, err, dir, name)
		_, err = Resolve(t.Context(), Options{Dir: dir, Sources: []Source{builder()}}, []string{"metallb"})
		assert.ErrorIs(t, err, c.want, name+": nothing is written over it")
	}
}

func TestOpenWithoutABundle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	_, err := Open(dir)
	require.ErrorIs(t, err, ErrNoBundle)
	assert.ErrorContains(t, err, "meshgate up")
	assert.NoDirExists(t, dir, "looking makes nothing")
}

func TestMissingImageNamesItAndWhatToRun(t *testing.T) {
	b := filled(t, builder(), "metallb")
	_, err := b.Image("docker.io/istio/pilot:1.31.1")
	for _, want := range []string{"docker.io/istio/pilot:1.31.1 of component istio-1.31", "it holds metallb", "meshgate up"} {
		assert.ErrorContains(t, err, want)
	}
	_, err = b.Image("manifests/metallb-native.yaml")
	assert.ErrorContains(t, err, "is files, not an image")
	_, err = b.Files("quay.io/metallb/speaker:v0.15.2")
	assert.ErrorContains(t, err, "is image, not files")
}

func TestDamageIsToldWhenAnImageIsTaken(t *testing.T) {
	b := filled(t, builder(), "metallb")
	require.NoError(t, os.Remove(blobPathOf(t, b, "quay.io/metallb/speaker:v0.15.2", 1)))
	_, err := b.Image("quay.io/metallb/speaker:v0.15.2")
	require.ErrorIs(t, err, ErrCorrupt)
	assert.ErrorContains(t, err, "is missing")
}

func TestFlippedManifestIsNotHandedOut(t *testing.T) {
	const name = "quay.io/metallb/speaker:v0.15.2"
	b := filled(t, builder(), "metallb")
	flip(t, blobPathOf(t, b, name, -1), 5)
	_, err := b.Image(name)
	var m *Mismatch
	require.ErrorAs(t, err, &m)
	again, err := Resolve(t.Context(), Options{Dir: b.Dir(), Sources: []Source{builder()}}, []string{"metallb"})
	require.NoError(t, err)
	defer again.Close()
	assert.NoError(t, again.Verify(t.Context(), phase()), "it heals")
}

func TestLockHasTheCataloguesOrder(t *testing.T) {
	b := filled(t, builder(), "apps", "istio-1.31", "node")
	var want, got []string
	for _, component := range []string{"node", "istio-1.31", "apps"} {
		c, err := Find(component)
		require.NoError(t, err)
		want = append(want, c.names()...)
	}
	for _, e := range b.Lock().Entries {
		got = append(got, e.Name)
	}
	assert.Equal(t, want, got)
}

func TestFilesComeBack(t *testing.T) {
	b := filled(t, builder(), "istio-1.31", "metallb")
	chart, err := b.Files("charts/istio-1.31/istiod")
	require.NoError(t, err)
	assert.Equal(t, "content of charts/istio-1.31/istiod", readAll(t, chart, "istiod"))
	assert.Equal(t, "x", readAll(t, chart, "templates/x.yaml"))
	raw, err := b.Manifest("manifests/metallb-native.yaml")
	require.NoError(t, err)
	assert.Equal(t, "content of manifests/metallb-native.yaml", string(raw))
}

func TestEqualTreesHaveEqualDigests(t *testing.T) {
	one, err := FilesFS(map[string][]byte{"a": []byte("1"), "b/c": []byte("2")})
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "b"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b", "c"), []byte("2"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), []byte("1"), 0o755))
	img1, err := filesImage(one)
	require.NoError(t, err)
	img2, err := filesImage(os.DirFS(dir))
	require.NoError(t, err)
	d1, err := img1.Digest()
	require.NoError(t, err)
	d2, err := img2.Digest()
	require.NoError(t, err)
	assert.Equal(t, d1, d2)
}

func TestTreesThatAreRefused(t *testing.T) {
	_, err := filesImage(os.DirFS(t.TempDir()))
	require.ErrorContains(t, err, "no files")
	dir := t.TempDir()
	require.NoError(t, os.Symlink("elsewhere", filepath.Join(dir, "link")))
	_, err = filesImage(os.DirFS(dir))
	require.ErrorContains(t, err, "link")
	_, err = stripped("istiod/../../etc/passwd", 0)
	require.ErrorContains(t, err, "leads out of the tree")
	_, err = stripped("Chart.yaml", 1)
	assert.ErrorContains(t, err, "want it in 1 folders")
}

func TestVerifyNamesBlobWantAndGot(t *testing.T) {
	b := filled(t, builder(), "metallb")
	require.NoError(t, b.Verify(t.Context(), phase()))
	path := blobPathOf(t, b, "quay.io/metallb/speaker:v0.15.2", 1)
	flip(t, path, layerBytes/2)
	err := b.Verify(t.Context(), phase())
	require.ErrorIs(t, err, ErrCorrupt)
	var m *Mismatch
	require.ErrorAs(t, err, &m)
	assert.Equal(t, "sha256:"+filepath.Base(path), m.Blob)
	assert.Equal(t, m.Blob, m.Want)
	assert.NotEqual(t, m.Want, m.Got)
	assert.Regexp(t, "^sha256:[0-9a-f]{64}$", m.Got)
	assert.Equal(t, "quay.io/metallb/speaker:v0.15.2", m.Of)
	for _, want := range []string{m.Blob, m.Want, m.Got, m.Of, "remove " + path} {
		assert.ErrorContains(t, err, want)
	}

	require.NoError(t, os.Remove(path), "do what the error said")
	again, err := Resolve(t.Context(), Options{Dir: b.Dir(), Sources: []Source{builder()}}, []string{"metallb"})
	require.NoError(t, err)
	defer again.Close()
	assert.NoError(t, again.Verify(t.Context(), phase()))
}

func TestVerifyFindsEveryKindOfDamage(t *testing.T) {
	for _, layer := range []int{-1, 0} {
		b := filled(t, builder(), "metallb")
		flip(t, blobPathOf(t, b, "quay.io/metallb/controller:v0.15.2", layer), 5)
		var m *Mismatch
		require.ErrorAs(t, b.Verify(t.Context(), phase()), &m)
	}
	b := filled(t, builder(), "metallb")
	require.NoError(t, os.Truncate(blobPathOf(t, b, "quay.io/metallb/controller:v0.15.2", 1), 7))
	assert.ErrorContains(t, b.Verify(t.Context(), phase()), "got 7 bytes")
}

func TestUnneededBlobsAreRemoved(t *testing.T) {
	source := builder()
	b := filled(t, source, "metallb")
	count := blobCount(t, b.Dir())
	change := func(salt string) {
		source.salt, source.inputs = salt, map[string]string{"metallb": salt}
		next, err := Resolve(t.Context(), Options{Dir: b.Dir(), Sources: []Source{source}}, []string{"metallb"})
		require.NoError(t, err)
		next.Close()
	}
	change("2")
	assert.Greater(t, blobCount(t, b.Dir()), count, "an open bundle keeps its blobs")
	require.NoError(t, b.Verify(t.Context(), phase()))

	b.Close()
	change("3")
	assert.Equal(t, count, blobCount(t, b.Dir()), "nobody reads: only what the lock leads to stays")
}

func TestLeftoversOfAnInterruptedWriteAreRemoved(t *testing.T) {
	b := filled(t, builder(), "metallb")
	left := filepath.Join(b.store.ingest(), "half")
	require.NoError(t, os.WriteFile(left, []byte("half"), 0o644))
	next, err := Resolve(t.Context(), Options{Dir: b.Dir(), Sources: []Source{builder()}}, []string{"apps"})
	require.NoError(t, err)
	next.Close()
	assert.NoFileExists(t, left)
}

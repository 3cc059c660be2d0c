package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// saved is a file with the named components of b.
func saved(t *testing.T, b *Bundle, components ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle.tar.zst")
	require.NoError(t, b.save(t.Context(), path, components, phase()))
	return path
}

func TestSaveAndLoadKeepEveryDigest(t *testing.T) {
	b := filled(t, builder(), "metallb", "istio-1.31", "apps")
	path := saved(t, b)
	dir := filepath.Join(t.TempDir(), "other")
	taken, err := loadArchive(t.Context(), path, dir, phase())
	require.NoError(t, err)
	loaded, err := Open(dir)
	require.NoError(t, err)
	defer loaded.Close()
	require.NoError(t, loaded.Verify(t.Context(), phase()))
	assert.Equal(t, taken, loaded.Lock())
	require.Len(t, loaded.Lock().Entries, len(b.Lock().Entries))
	for i, want := range b.Lock().Entries {
		got := loaded.Lock().Entries[i]
		assert.Equal(t, SourceArchive, got.Source)
		got.Source = want.Source
		assert.Equal(t, want, got)
	}

	again, err := os.ReadFile(saved(t, b))
	require.NoError(t, err)
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, first, again, "equal bundles make equal files")
}

func TestLoadReplacesOnlyWhatTheFileHas(t *testing.T) {
	path := saved(t, filled(t, builder(), "metallb", "apps"), "metallb")
	other := builder()
	other.salt = "mine"
	b := filled(t, other, "metallb", "apps")
	app := b.Entries("apps")
	b.Close()
	taken, err := loadArchive(t.Context(), path, b.Dir(), phase())
	require.NoError(t, err)
	assert.Equal(t, []string{"metallb"}, taken.components())
	after, err := Open(b.Dir())
	require.NoError(t, err)
	defer after.Close()
	assert.Equal(t, app, after.Entries("apps"))
	assert.Equal(t, taken.Entries, after.Entries("metallb"))
	assert.NoError(t, after.Verify(t.Context(), phase()))
}

func TestSaveRefuses(t *testing.T) {
	b := filled(t, builder(), "metallb")
	path := filepath.Join(t.TempDir(), "b")
	require.ErrorContains(t, b.save(t.Context(), path, []string{"istio-1.31"}, phase()), `no component "istio-1.31"; it holds [metallb]`)
	flip(t, blobPathOf(t, b, "quay.io/metallb/speaker:v0.15.2", 1), 9)
	var m *Mismatch
	require.ErrorAs(t, b.save(t.Context(), path, nil, phase()), &m)
	assert.NoFileExists(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.save(ctx, path, nil, phase()), context.Canceled)
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Empty(t, files, "not even a part of it stays")
}

func TestLoadOfABrokenFileChangesNothing(t *testing.T) {
	good, err := os.ReadFile(saved(t, filled(t, builder(), "metallb")))
	require.NoError(t, err)
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 0xff
	cases := map[string]struct {
		file []byte
		says string
	}{
		"empty":                 {nil, "truncated"},
		"cut in the middle":     {good[:len(good)/2], "truncated"},
		"cut before the end":    {good[:len(good)-3], "truncated"},
		"flipped byte":          {flipped, "corrupt bundle"},
		"something else":        {[]byte("PK\x03\x04 this is a zip"), "corrupt bundle"},
		"not a bundle":          {packed(t, map[string][]byte{"index.json": []byte("{}")}), `starts with "index.json"`},
		"only a lock":           {packed(t, map[string][]byte{lockFile: lockOf(t, good)}), "no such file"},
		"changed but well-knit": {repacked(t, good), "want sha256:"},
	}
	mine := builder()
	mine.salt = "mine"
	b := filled(t, mine, "metallb")
	for name, c := range cases {
		path := filepath.Join(t.TempDir(), "broken")
		require.NoError(t, os.WriteFile(path, c.file, 0o644))
		_, err := loadArchive(t.Context(), path, b.Dir(), phase())
		require.ErrorIs(t, err, ErrCorrupt, name)
		require.ErrorContains(t, err, c.says, name)
		require.ErrorContains(t, err, path, name)
		after, err := Open(b.Dir())
		require.NoError(t, err, name)
		assert.Equal(t, b.Lock(), after.Lock(), name)
		require.NoError(t, after.Verify(t.Context(), phase()), name)
		after.Close()
	}
}

func TestLoadOfANewerOrForeignFile(t *testing.T) {
	newer := packed(t, map[string][]byte{lockFile: []byte(`{"schema":9,"platform":"linux/` + `amd64"}`)})
	path := filepath.Join(t.TempDir(), "newer")
	require.NoError(t, os.WriteFile(path, newer, 0o644))
	_, err := loadArchive(t.Context(), path, t.TempDir(), phase())
	require.ErrorIs(t, err, ErrNewer)
	require.NotErrorIs(t, err, ErrCorrupt)

	foreign := packed(t, map[string][]byte{lockFile: []byte(`{"schema":1,"platform":"linux/s390x","entries":[]}`)})
	require.NoError(t, os.WriteFile(path, foreign, 0o644))
	_, err = loadArchive(t.Context(), path, t.TempDir(), phase())
	require.ErrorIs(t, err, ErrPlatform)
	require.NotErrorIs(t, err, ErrCorrupt)

	_, err = loadArchive(t.Context(), filepath.Join(t.TempDir(), "none"), t.TempDir(), phase())
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestArchiveAsASource(t *testing.T) {
	registry := &maker{name: SourceRegistry, spare: map[string]string{"calico": "not with this node"}, contains: "v1.36.4"}
	path := saved(t, filled(t, registry, "node", "metallb"))
	o := Options{Dir: t.TempDir(), Source: SourceArchive, Sources: []Source{Archive(path), builder()}}
	b, err := Resolve(t.Context(), o, []string{"node", "calico", "metallb"})
	require.NoError(t, err)
	defer b.Close()
	require.NoError(t, b.Verify(t.Context(), phase()))
	_, spared := b.Spared("calico")
	assert.True(t, spared, "what the saver's bundle spared is spared here")
	for _, e := range b.Lock().Entries {
		assert.Equal(t, SourceArchive, e.Source)
		assert.Equal(t, "made by registry", e.Origin)
		assert.Equal(t, "v1.36.4", e.Contains)
	}
	_, err = Resolve(t.Context(), o, []string{"istio-1.31"})
	require.ErrorContains(t, err, path+" has no docker.io/istio/pilot:1.31.1; it holds node, metallb")

	said := &notes{}
	o.Log = said
	again, err := Resolve(t.Context(), o, []string{"node", "metallb"})
	require.NoError(t, err)
	again.Close()
	assert.Contains(t, said.text(), "metallb: cached (from archive)")
}

// Outside a checkout nobody can say whether what an archive brought is what
// would be built now: it stays, whatever a registry would deliver instead.
func TestArchivedStaysCachedOutsideACheckout(t *testing.T) {
	path := saved(t, filled(t, builder(), "metallb"))
	dir := t.TempDir()
	_, err := loadArchive(t.Context(), path, dir, phase())
	require.NoError(t, err)
	registry := &maker{name: SourceRegistry, unavailable: os.ErrDeadlineExceeded}
	outside := &maker{name: SourceBuild, silent: os.ErrNotExist, unavailable: os.ErrNotExist}
	b, err := Resolve(t.Context(), Options{Dir: dir, Sources: []Source{registry, outside}}, []string{"metallb"})
	require.NoError(t, err)
	b.Close()

	inside := &maker{name: SourceBuild, inputs: map[string]string{"metallb": "edited"}}
	b, err = Resolve(t.Context(), Options{Dir: dir, Sources: []Source{registry, inside}}, []string{"metallb"})
	require.NoError(t, err)
	b.Close()
	assert.Equal(t, []string{"metallb"}, inside.fetched, "a checkout says that it has changed")
}

func TestArchiveThatIsGoneLeavesWhatItBrought(t *testing.T) {
	path := saved(t, filled(t, builder(), "metallb"))
	o := Options{Dir: t.TempDir(), Source: SourceArchive, Sources: []Source{Archive(path)}}
	b, err := Resolve(t.Context(), o, []string{"metallb"})
	require.NoError(t, err)
	b.Close()
	require.NoError(t, os.Remove(path))
	b, err = Resolve(t.Context(), o, []string{"metallb"})
	require.NoError(t, err)
	b.Close()
	_, err = Resolve(t.Context(), o, []string{"apps"})
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, path)
}

func TestArchiveSourceOfABrokenFile(t *testing.T) {
	path := saved(t, filled(t, builder(), "metallb"))
	require.NoError(t, os.Truncate(path, 2000))
	dir := t.TempDir()
	_, err := Resolve(t.Context(), Options{Dir: dir, Source: SourceArchive, Sources: []Source{Archive(path)}}, []string{"metallb"})
	require.ErrorIs(t, err, ErrCorrupt)
	_, err = Open(dir)
	assert.ErrorIs(t, err, ErrNoBundle)
}

// packed is a saved file with other content.
func packed(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	z, err := zstd.NewWriter(&buf)
	require.NoError(t, err)
	w := tar.NewWriter(z)
	for name, data := range files {
		require.NoError(t, addFileBytes(w, name, data))
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return buf.Bytes()
}

// unpacked calls each for the files of a saved bundle.
func unpacked(t *testing.T, file []byte, each func(name string, data []byte)) {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	defer z.Close()
	r := tar.NewReader(z)
	for h, err := r.Next(); err == nil; h, err = r.Next() {
		var data bytes.Buffer
		_, err := data.ReadFrom(r)
		require.NoError(t, err)
		each(h.Name, data.Bytes())
	}
}

func lockOf(t *testing.T, file []byte) []byte {
	t.Helper()
	var lock []byte
	unpacked(t, file, func(name string, data []byte) {
		if name == lockFile {
			lock = data
		}
	})
	require.True(t, json.Valid(lock))
	return lock
}

// repacked changes a byte of the last layer and seals the file again, so that
// only the blob's own digest can tell.
func repacked(t *testing.T, file []byte) []byte {
	t.Helper()
	var names []string
	files := map[string][]byte{}
	unpacked(t, file, func(name string, data []byte) {
		names = append(names, name)
		files[name] = data
	})
	files[names[len(names)-1]][20] ^= 0xff
	var buf bytes.Buffer
	z, err := zstd.NewWriter(&buf)
	require.NoError(t, err)
	w := tar.NewWriter(z)
	for _, name := range names {
		require.NoError(t, addFileBytes(w, name, files[name]))
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return buf.Bytes()
}

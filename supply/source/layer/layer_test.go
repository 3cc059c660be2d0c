package layer

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// written makes a layer in a new folder.
func written(t *testing.T, fill func(*Writer) error) *Layer {
	t.Helper()
	l, err := Write(filepath.Join(t.TempDir(), "layer.tar"), fill)
	require.NoError(t, err)
	return l
}

// entries reads a layer back: header and content by name, and the order.
func entries(t *testing.T, l *Layer) (map[string]tar.Header, map[string]string, []string) {
	t.Helper()
	file, err := l.Uncompressed()
	require.NoError(t, err)
	defer file.Close()
	headers, contents, order := map[string]tar.Header{}, map[string]string{}, []string{}
	for in := tar.NewReader(file); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return headers, contents, order
		}
		require.NoError(t, err)
		raw, err := io.ReadAll(in)
		require.NoError(t, err)
		headers[h.Name], contents[h.Name], order = *h, string(raw), append(order, h.Name)
	}
}

// sample fills a layer from a folder with one of everything.
func sample(dir string) func(*Writer) error {
	return func(w *Writer) error {
		return errors.Join(
			w.File("/usr/bin/app", filepath.Join(dir, "app"), 0o755),
			w.Text("/etc/app/config", "words", 0o600),
			w.Link("/bin/app", "../usr/bin/app"),
			w.Folder("/tmp", 0o1777),
			w.Tree("/share", filepath.Join(dir, "tree"), 0o644),
		)
	}
}

func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "tree", "deep"), 0o700))
	for _, name := range []string{"app", "tree/b", "tree/a", "tree/deep/c"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600))
	}
	return dir
}

func TestALayerHoldsWhatWasPutIntoIt(t *testing.T) {
	headers, contents, order := entries(t, written(t, sample(folder(t))))
	assert.Equal(t, []string{
		"usr/", "usr/bin/", "usr/bin/app", "etc/", "etc/app/", "etc/app/config", "bin/", "bin/app", "tmp/",
		"share/", "share/a", "share/b", "share/deep/", "share/deep/c",
	}, order)
	assert.Equal(t, "app", contents["usr/bin/app"])
	assert.Equal(t, "words", contents["etc/app/config"])
	assert.EqualValues(t, 0o755, headers["usr/bin/app"].Mode)
	assert.EqualValues(t, 0o600, headers["etc/app/config"].Mode)
	assert.EqualValues(t, 0o1777, headers["tmp/"].Mode)
	assert.EqualValues(t, 0o755, headers["usr/"].Mode)
	assert.Equal(t, "../usr/bin/app", headers["bin/app"].Linkname)
	for name, h := range headers {
		assert.True(t, h.ModTime.Equal(time.Unix(0, 0)), "%s: time %s", name, h.ModTime)
		assert.Zero(t, h.Uid+h.Gid, name)
		assert.Empty(t, h.Uname+h.Gname, name)
	}
}

func TestTheSameContentGivesTheSameDigest(t *testing.T) {
	dir := folder(t)
	first := written(t, sample(dir))
	later := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "app"), later, later))
	require.NoError(t, os.Chmod(filepath.Join(dir, "app"), 0o640))
	assert.Equal(t, first.digest, written(t, sample(dir)).digest, "times and modes on the machine must not matter")
	assert.Equal(t, first.digest, written(t, sample(folder(t))).digest, "the folder must not matter")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "app"), []byte("App"), 0o600))
	assert.NotEqual(t, first.digest, written(t, sample(dir)).digest, "the content must matter")
}

func TestALayerFailsOnWhatIsNotThere(t *testing.T) {
	empty := t.TempDir()
	for name, c := range map[string]struct {
		fill func(*Writer) error
		want string
	}{
		"missing file": {func(w *Writer) error { return w.File("/a", filepath.Join(empty, "none"), 0o644) }, "none"},
		"a folder":     {func(w *Writer) error { return w.File("/a", empty, 0o644) }, "no regular file"},
		"empty tree":   {func(w *Writer) error { return w.Tree("/a", empty, 0o644) }, "holds no files"},
		"through a link": {func(w *Writer) error {
			return errors.Join(w.Link("/bin", "usr/bin"), w.Text("/bin/app", "x", 0o755))
		}, "bin is a link in this layer"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Write(filepath.Join(t.TempDir(), "layer.tar"), c.fill)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := Write(filepath.Join(empty, "none", "layer.tar"), sample(empty))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// rootfs is what mmdebstrap writes, in small.
func rootfs(t *testing.T) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range []tar.Header{
		{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./dev/null", Typeflag: tar.TypeChar, Mode: 0o666},
		{Name: "./etc/shadow", Typeflag: tar.TypeReg, Mode: 0o640, Gid: 42, Gname: "shadow", ModTime: time.Now()},
		{Name: "./usr/share/doc/a/copyright", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "./usr/share/certs/one.crt", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "./usr/share/certs/two.crt", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "./usr/bin/tool", Typeflag: tar.TypeReg, Mode: 0o4755, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "cap", "mtime": "1.5"}},
		{Name: "./usr/bin/same", Typeflag: tar.TypeLink, Linkname: "./usr/bin/tool", Mode: 0o755},
	} {
		text := ""
		if h.Typeflag == tar.TypeReg {
			text = filepath.Base(h.Name) + "\n"
		}
		h.Size = int64(len(text))
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return &out
}

func TestARootFileSystemIsImported(t *testing.T) {
	what := Import{
		Remove: []string{"usr/share/doc", "usr/share/certs/*.crt"},
		Join:   map[string]string{"etc/certs.pem": "usr/share/certs/*.crt"},
	}
	headers, contents, order := entries(t, written(t, func(w *Writer) error { return w.Import(rootfs(t), what) }))
	assert.Equal(t, []string{"etc/", "etc/shadow", "usr/", "usr/bin/", "usr/bin/tool", "usr/bin/same", "etc/certs.pem"}, order)
	assert.Equal(t, "one.crt\ntwo.crt\n", contents["etc/certs.pem"])
	assert.Equal(t, "usr/bin/tool", headers["usr/bin/same"].Linkname)
	assert.EqualValues(t, 0o4755, headers["usr/bin/tool"].Mode)
	assert.Equal(t, map[string]string{"SCHILY.xattr.security.capability": "cap"}, headers["usr/bin/tool"].PAXRecords)
	assert.Equal(t, 42, headers["etc/shadow"].Gid)
	assert.True(t, headers["etc/shadow"].ModTime.Equal(time.Unix(0, 0)))
}

func TestAPatternThatMatchesNothingIsRefused(t *testing.T) {
	for _, what := range []Import{
		{Remove: []string{"usr/share/none"}},
		{Join: map[string]string{"x": "usr/share/none/*"}},
	} {
		_, err := Write(filepath.Join(t.TempDir(), "l"), func(w *Writer) error { return w.Import(rootfs(t), what) })
		require.ErrorContains(t, err, "matches nothing")
	}
	_, err := Write(filepath.Join(t.TempDir(), "l"), func(w *Writer) error {
		return w.Import(bytes.NewReader([]byte("this is no tar file, but it is long enough")), Import{})
	})
	require.ErrorContains(t, err, "root file system")
}

func TestACloneKeepsModesAndLinks(t *testing.T) {
	dir := folder(t)
	require.NoError(t, os.Chmod(filepath.Join(dir, "app"), 0o711))
	require.NoError(t, os.Symlink("app", filepath.Join(dir, "link")))
	headers, contents, _ := entries(t, written(t, func(w *Writer) error { return w.Clone("/var/lib/x", dir) }))
	assert.EqualValues(t, 0o711, headers["var/lib/x/app"].Mode)
	assert.EqualValues(t, 0o700, headers["var/lib/x/tree/"].Mode)
	assert.Equal(t, os.Getuid(), headers["var/lib/x/app"].Uid)
	assert.Equal(t, "app", headers["var/lib/x/link"].Linkname)
	assert.Equal(t, "tree/deep/c", contents["var/lib/x/tree/deep/c"])
}

func TestAnImageIsValidAndDependsOnItsContentOnly(t *testing.T) {
	config := v1.Config{
		Entrypoint: []string{"/app"}, Env: []string{"A=b"}, User: "65532:65532", Labels: map[string]string{"l": "v"},
		StopSignal: "SIGRTMIN+3",
	}
	build := func() v1.Image {
		img, err := Image("amd64", config, written(t, sample(folder(t))), written(t, func(w *Writer) error { return w.Text("/x", "y", 0o644) }))
		require.NoError(t, err)
		return img
	}
	first, second := build(), build()
	sound(t, first)
	one, err := first.Digest()
	require.NoError(t, err)
	two, err := second.Digest()
	require.NoError(t, err)
	assert.Equal(t, one, two)

	file, err := first.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, config, file.Config)
	assert.Equal(t, "linux/amd64", file.OS+"/"+file.Architecture)
	manifest, err := first.Manifest()
	require.NoError(t, err)
	assert.Equal(t, types.OCIManifestSchema1, manifest.MediaType)
	require.Len(t, manifest.Layers, 2)
	assert.Equal(t, types.OCIUncompressedLayer, manifest.Layers[0].MediaType)
}

// sound recomputes the digest and size of every layer of the image.
func sound(t *testing.T, img v1.Image) {
	t.Helper()
	layers, err := img.Layers()
	require.NoError(t, err)
	for _, l := range layers {
		content, err := l.Compressed()
		require.NoError(t, err)
		got, size, err := v1.SHA256(content)
		require.NoError(t, err)
		require.NoError(t, content.Close())
		want, err := l.Digest()
		require.NoError(t, err)
		diff, err := l.DiffID()
		require.NoError(t, err)
		length, err := l.Size()
		require.NoError(t, err)
		assert.Equal(t, want, got)
		assert.Equal(t, diff, got)
		assert.Equal(t, length, size)
	}
}

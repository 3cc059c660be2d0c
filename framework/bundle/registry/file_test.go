package registry

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/bundle"
)

const native = "manifests/metallb-native.yaml"

// published is a mirror with MetalLB's images, and a source whose manifest is
// expected to be want, at web.
func published(t *testing.T, web, want string) *Source {
	t.Helper()
	s := newServer(t)
	src := s.source(t, Options{})
	for _, image := range component(t, "metallb").Images {
		s.push(t, image, tinyImage(t, bundle.Platform(), image))
		delete(src.table, image)
	}
	sum := sha256.Sum256([]byte(want))
	a := src.table[native]
	a.Web, a.Digest = web, "sha256:"+hex.EncodeToString(sum[:])
	src.table[native] = a
	return src
}

// site answers every path with text.
func site(t *testing.T, text string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }))
	t.Cleanup(srv.Close)
	return srv.URL + "/metallb-native.yaml"
}

func TestManifestFromTheProjectsSite(t *testing.T) {
	web := site(t, "kind: Namespace\n")
	b, err := bundle.Resolve(t.Context(), options(t.TempDir(), published(t, web, "kind: Namespace\n"), nil), []string{"metallb"})
	require.NoError(t, err)
	defer b.Close()
	raw, err := b.Manifest(native)
	require.NoError(t, err)
	assert.Equal(t, "kind: Namespace\n", string(raw))
	e, err := b.Entry(native)
	require.NoError(t, err)
	assert.Equal(t, web, e.Origin)
}

func TestManifestFromTheModule(t *testing.T) {
	moduleProxy(t, "kind: Namespace\n")
	src := published(t, site(t, "a page that says: log in first"), "kind: Namespace\n")
	b, err := bundle.Resolve(t.Context(), options(t.TempDir(), src, nil), []string{"metallb"})
	require.NoError(t, err)
	defer b.Close()
	e, err := b.Entry(native)
	require.NoError(t, err)
	assert.Equal(t, "Go module go.universe.tf/metallb v0.15.2, config/manifests/metallb-native.yaml", e.Origin)
}

func TestManifestThatIsNowhere(t *testing.T) {
	moduleProxy(t, "kind: Changed\n")
	src := published(t, site(t, "a page that says: log in first"), "kind: Namespace\n")
	_, err := bundle.Resolve(t.Context(), options(t.TempDir(), src, nil), []string{"metallb"})
	for _, want := range []string{native, "metallb-native.yaml: want " + src.table[native].Digest, "(14 bytes)", "(30 bytes)"} {
		assert.ErrorContains(t, err, want)
	}
}

// moduleProxy serves MetalLB's module with that manifest to the Go command,
// from a folder.
func moduleProxy(t *testing.T, manifest string) {
	t.Helper()
	const module, version = "go.universe.tf/metallb", "v0.15.2"
	dir := t.TempDir()
	at := filepath.Join(dir, filepath.FromSlash(module), "@v")
	require.NoError(t, os.MkdirAll(at, 0o755))
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for path, text := range map[string]string{"go.mod": "module " + module + "\n", "config/manifests/metallb-native.yaml": manifest} {
		f, err := z.Create(module + "@" + version + "/" + path)
		require.NoError(t, err)
		_, err = f.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	for ext, data := range map[string][]byte{".zip": buf.Bytes(), ".mod": []byte("module " + module + "\n"), ".info": []byte(`{"Version":"` + version + `"}`)} {
		require.NoError(t, os.WriteFile(filepath.Join(at, version+ext), data, 0o644))
	}
	t.Setenv("GOPROXY", "file://"+filepath.ToSlash(dir))
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-modcacherw") // else the test's folder cannot be removed
	t.Setenv("GONOSUMDB", "*")
	t.Setenv("GOPRIVATE", "")
	t.Setenv("GOTOOLCHAIN", "local")
}

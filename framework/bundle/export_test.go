package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exported is the tar that WriteImages makes of the named images.
func exported(t *testing.T, b *Bundle, names ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	require.NoError(t, b.WriteImages(&buf, names...))
	return buf.Bytes()
}

func TestDockerReadsTheTar(t *testing.T) {
	b := filled(t, builder(), "apps")
	names := []string{"docker.io/meshgate/agent:dev", "docker.io/meshgate/reviews-v1:dev", "docker.io/meshgate/agent:dev"}
	raw := exported(t, b, names...)
	for _, image := range names {
		tag, err := name.NewTag(image)
		require.NoError(t, err)
		img, err := tarball.Image(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }, &tag)
		require.NoError(t, err)
		readable(t, img)
		got, err := img.ConfigName()
		require.NoError(t, err)
		stored, err := b.Image(image)
		require.NoError(t, err)
		want, err := stored.ConfigName()
		require.NoError(t, err)
		assert.Equal(t, want, got, "the image ID that Docker shows")
	}
}

func TestContainerdFindsTheLocksDigests(t *testing.T) {
	b := filled(t, builder(), "apps")
	names := []string{"docker.io/meshgate/agent:dev", "docker.io/meshgate/reviews-v1:dev"}
	dir := untar(t, exported(t, b, names...))
	index, err := layout.ImageIndexFromPath(dir)
	require.NoError(t, err)
	m, err := index.IndexManifest()
	require.NoError(t, err)
	require.Len(t, m.Manifests, 2)
	for i, d := range m.Manifests {
		e, err := b.Entry(names[i])
		require.NoError(t, err)
		assert.Equal(t, e.Digest, d.Digest.String())
		assert.Equal(t, names[i], d.Annotations["io.containerd.image.name"])
		img, err := index.Image(d.Digest)
		require.NoError(t, err)
		readable(t, img)
	}
	assert.FileExists(t, filepath.Join(dir, "oci-layout"))
}

func TestSharedLayersAreWrittenOnce(t *testing.T) {
	b := filled(t, builder(), "apps")
	count := map[string]int{}
	r := tar.NewReader(bytes.NewReader(exported(t, b, "docker.io/meshgate/agent:dev", "docker.io/meshgate/details:dev")))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		count[h.Name]++
	}
	// One shared layer; for each image a layer, a config and a manifest; three files.
	assert.Len(t, count, 1+2*3+3)
	for name, n := range count {
		assert.Equal(t, 1, n, name)
	}
}

func TestExportRefuses(t *testing.T) {
	b := filled(t, builder(), "metallb")
	require.ErrorContains(t, b.WriteImages(io.Discard), "no image was asked for")
	require.ErrorContains(t, b.WriteImages(io.Discard, "docker.io/istio/pilot:1.31.1"), "has no docker.io/istio/pilot:1.31.1")
	require.ErrorContains(t, b.WriteImages(io.Discard, "manifests/metallb-native.yaml"), "not an image")
	flip(t, blobPathOf(t, b, "quay.io/metallb/speaker:v0.15.2", 1), 9)
	var m *Mismatch
	require.ErrorAs(t, b.WriteImages(io.Discard, "quay.io/metallb/speaker:v0.15.2"), &m, "a flipped byte does not reach an engine unseen")
}

// The layout on disk is a standard one, too.
func TestLayoutIsReadableByOthers(t *testing.T) {
	b := filled(t, builder(), "metallb")
	path, err := layout.FromPath(b.Dir())
	require.NoError(t, err)
	for _, e := range b.Entries("metallb") {
		h, err := v1.NewHash(e.Digest)
		require.NoError(t, err)
		img, err := path.Image(h)
		require.NoError(t, err)
		readable(t, img)
		var size int64
		m, err := img.Manifest()
		require.NoError(t, err)
		for _, l := range m.Layers {
			size += l.Size
		}
		raw, err := img.RawManifest()
		require.NoError(t, err)
		assert.Equal(t, size+m.Config.Size+int64(len(raw)), e.Size, e.Name)
	}
}

// readable reads every blob of img and holds it against the manifest.
func readable(t *testing.T, img v1.Image) {
	t.Helper()
	m, err := img.Manifest()
	require.NoError(t, err)
	for _, d := range m.Layers {
		layer, err := img.LayerByDigest(d.Digest)
		require.NoError(t, err)
		r, err := layer.Compressed()
		require.NoError(t, err)
		require.NoError(t, copyChecked(io.Discard, r, d))
		require.NoError(t, r.Close())
	}
	raw, err := img.RawConfigFile()
	require.NoError(t, err)
	require.NoError(t, copyChecked(io.Discard, bytes.NewReader(raw), m.Config))
}

func untar(t *testing.T, raw []byte) string {
	t.Helper()
	dir := t.TempDir()
	r := tar.NewReader(bytes.NewReader(raw))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		path := filepath.Join(dir, h.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o644))
	}
}

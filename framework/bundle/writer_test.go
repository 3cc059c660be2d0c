package bundle

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWriterRefusesWhatDoesNotBelong(t *testing.T) {
	c, err := Find("metallb")
	require.NoError(t, err)
	s := store{dir: t.TempDir()}
	require.NoError(t, s.prepare())
	w := newWriter(s, newLock(), c, SourceBuild, "in")
	err = w.Image(Entry{Name: "quay.io/metallb/frr:v1"}, tinyImage("x"))
	assert.ErrorContains(t, err, "quay.io/metallb/frr:v1 is not part of component metallb")
	err = w.Image(Entry{Name: "manifests/metallb-native.yaml"}, tinyImage("x"))
	assert.ErrorContains(t, err, "is of kind files, got image")

	err = w.Image(Entry{Name: c.Images[0]}, tinyImageFor("linux/s390x", "x"))
	assert.ErrorContains(t, err, "want an image for "+Platform()+", got linux/s390x")
}

// fileLayer is a layer whose content is a file.
type fileLayer struct {
	v1.Layer
	path string
}

func (l fileLayer) Compressed() (io.ReadCloser, error) { return os.Open(l.path) }

func TestLayerFilesAreLinkedOnceTheyAreChecked(t *testing.T) {
	s := store{dir: t.TempDir()}
	require.NoError(t, s.prepare())
	content := tinyLayer("from a file")
	r, err := content.Compressed()
	require.NoError(t, err)
	raw, err := io.ReadAll(r)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "layer.tar")
	require.NoError(t, os.WriteFile(path, append(raw[1:], 'x'), 0o600))
	img, err := mutate.AppendLayers(empty.Image, fileLayer{Layer: content, path: path})
	require.NoError(t, err)
	_, _, err = s.putImage(img)
	var m *Mismatch
	require.ErrorAs(t, err, &m, "a file that is not what the layer says")

	require.NoError(t, os.WriteFile(path, raw, 0o600))
	_, _, err = s.putImage(img)
	require.NoError(t, err)
	h, err := content.Digest()
	require.NoError(t, err)
	blob, err := os.Stat(s.blobPath(h))
	require.NoError(t, err)
	file, err := os.Stat(path)
	require.NoError(t, err)
	assert.True(t, os.SameFile(blob, file))
	left, err := os.ReadDir(s.ingest())
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestWriterHasOtherComponents(t *testing.T) {
	b := filled(t, builder(), "istio-1.31")
	w := newWriter(b.store, b.lock, Component{Name: "istio-1.22"}, SourceBuild, "in")
	img, ok := w.Have("docker.io/istio/proxyv2:1.31.1")
	require.True(t, ok)
	h, err := img.Digest()
	require.NoError(t, err)
	e, err := b.Entry("docker.io/istio/proxyv2:1.31.1")
	require.NoError(t, err)
	assert.Equal(t, e.Digest, h.String())
	_, ok = w.Have("docker.io/istio/proxyv2:1.22.0")
	assert.False(t, ok)
}

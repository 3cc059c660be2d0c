package bundle

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"meshgate/framework/progress"
)

// maker is a Source that makes tiny artefacts, and fails as it is told to.
type maker struct {
	name        string
	unavailable error
	broken      error             // what Fetch ends in after the first artefact
	inputs      map[string]string // by component; "" means the name and version
	silent      error             // what Inputs ends in
	spare       map[string]string // what its node spares
	contains    string
	salt        string // changes the content
	fetched     []string
	leaveOut    string
	started     chan struct{} // closed when the first Fetch begins
	proceed     chan struct{} // Fetch waits for it
	once        sync.Once
}

func (m *maker) Name() string { return m.name }

func (m *maker) Available(context.Context, Component) error { return m.unavailable }

func (m *maker) Inputs(c Component) (string, error) {
	if in, ok := m.inputs[c.Name]; ok {
		return in, m.silent
	}
	return m.name + " " + c.Name + " " + c.Version, m.silent
}

func (m *maker) Spares(c Component) map[string]string {
	if c.Name != "node" {
		return nil
	}
	return m.spare
}

func (m *maker) Fetch(_ context.Context, c Component, w Writer, log progress.Phase) error {
	m.fetched = append(m.fetched, c.Name)
	if m.started != nil {
		m.once.Do(func() { close(m.started) })
		<-m.proceed
	}
	for _, name := range c.names() {
		if name == m.leaveOut {
			continue
		}
		if err := m.make(c, name, w); err != nil {
			return err
		}
		if m.broken != nil {
			return m.broken
		}
	}
	return nil
}

func (m *maker) make(c Component, name string, w Writer) error {
	e := Entry{Name: name, Origin: "made by " + m.name, Contains: m.contains}
	if kind, _ := c.kindOf(name); kind == KindImage {
		return w.Image(e, tinyImage(name+m.salt))
	}
	fsys, err := FilesFS(map[string][]byte{filepath.Base(name): []byte("content of " + name + m.salt), "templates/x.yaml": []byte("x")})
	if err != nil {
		return err
	}
	return w.Files(e, fsys)
}

// layerBytes makes layers big enough that one may be cut or flipped in the middle.
const layerBytes = 4096

// tinyImage has one layer that all tiny images share and one of its own.
func tinyImage(text string) v1.Image { return tinyImageFor(Platform(), text) }

func tinyImageFor(platform, text string) v1.Image {
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img, err := mutate.AppendLayers(img, tinyLayer("shared by all"), tinyLayer(text))
	if err != nil {
		panic(err) // in a test's fixture, from constants
	}
	config, err := img.ConfigFile()
	if err != nil {
		panic(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, _ = strings.Cut(platform, "/")
	if img, err = mutate.ConfigFile(img, config); err != nil {
		panic(err)
	}
	return img
}

func tinyLayer(text string) v1.Layer {
	return static.NewLayer([]byte(strings.Repeat(text+"\n", layerBytes/len(text))), types.OCIUncompressedLayer)
}

// notes is a progress.Log that keeps what was said.
type notes struct {
	mu    sync.Mutex
	lines []string
	ended []error
}

func (n *notes) Begin(string) progress.Phase { return n }
func (n *notes) Waiting(string)              {}
func (n *notes) Show(progress.State)         {}

func (n *notes) Note(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

func (n *notes) End(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = append(n.ended, err)
}

func (n *notes) text() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.lines, "\n")
}

func phase() progress.Phase { return progress.Discard().Begin("") }

func builder() *maker { return &maker{name: SourceBuild} }

// filled is a bundle in a folder of the test, made by src.
func filled(t *testing.T, src Source, components ...string) *Bundle {
	t.Helper()
	b, err := Resolve(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "bundle"), Sources: []Source{src}}, components)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

// blobPathOf is the file of one layer of an image of b; layer -1 is the manifest.
func blobPathOf(t *testing.T, b *Bundle, name string, layer int) string {
	t.Helper()
	e, err := b.Entry(name)
	require.NoError(t, err)
	h, err := v1.NewHash(e.Digest)
	require.NoError(t, err)
	if layer < 0 {
		return b.store.blobPath(h)
	}
	img, err := b.store.image(h)
	require.NoError(t, err)
	m, err := img.Manifest()
	require.NoError(t, err)
	return b.store.blobPath(m.Layers[layer].Digest)
}

// flip changes one byte of a file.
func flip(t *testing.T, path string, at int64) {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	raw[at] ^= 0xff
	require.NoError(t, os.WriteFile(path, raw, 0o644))
}

func blobCount(t *testing.T, dir string) int {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	require.NoError(t, err)
	return len(files)
}

func readAll(t *testing.T, fsys fs.FS, name string) string {
	t.Helper()
	raw, err := fs.ReadFile(fsys, name)
	require.NoError(t, err)
	return string(raw)
}

package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	upstream "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
)

// server is a registry on the loopback, with what a test does to it on the way.
type server struct {
	*httptest.Server
	inner http.Handler

	mu    sync.Mutex
	calls map[string]int // GETs by the last element of the path
	// before is asked first; true means that it has answered.
	before func(w http.ResponseWriter, r *http.Request) bool
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{calls: map[string]int{}, inner: upstream.New(upstream.Logger(log.New(io.Discard, "", 0)))}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if r.Method == http.MethodGet {
		s.calls[filepath.Base(r.URL.Path)]++
	}
	before := s.before
	s.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	s.inner.ServeHTTP(w, r)
}

// on installs what is asked first, and forgets what was counted.
func (s *server) on(before func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.calls = before, map[string]int{}
}

func (s *server) count(last string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[last]
}

func (s *server) host() string { return strings.TrimPrefix(s.URL, "http://") }

// raw is what the registry itself would answer.
func (s *server) raw(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	s.inner.ServeHTTP(rec, r)
	return rec
}

// push publishes an image, or an index, under place (host/path:tag).
func (s *server) push(t *testing.T, path string, what any) {
	t.Helper()
	ref, err := name.ParseReference(s.host() + "/" + path)
	require.NoError(t, err)
	if index, ok := what.(v1.ImageIndex); ok {
		require.NoError(t, remote.WriteIndex(ref, index))
		return
	}
	require.NoError(t, remote.Write(ref, what.(v1.Image)))
}

// component is the catalogue's line of that name.
func component(t *testing.T, name string) bundle.Component {
	t.Helper()
	c, err := bundle.Find(name)
	require.NoError(t, err)
	return c
}

// publishIstio pushes tiny images and charts of Istio below prefix, and returns
// the images by name.
func (s *server) publishIstio(t *testing.T, prefix string) map[string]v1.Image {
	t.Helper()
	out := map[string]v1.Image{}
	c := component(t, "istio-1.31")
	for _, image := range c.Images {
		out[image] = tinyImage(t, bundle.Platform(), image)
		s.push(t, prefix+image, out[image])
	}
	for _, path := range c.Files {
		chart := filepath.Base(path)
		s.push(t, prefix+chartRepository+chart+":"+c.Version, tinyChart(t, chart))
	}
	return out
}

// layerSize lets a blob be cut or changed in the middle.
const layerSize = 64 << 10

func tinyImage(t *testing.T, platform, text string) v1.Image {
	t.Helper()
	img := mutate.MediaType(empty.Image, types.DockerManifestSchema2)
	img, err := mutate.AppendLayers(img, tinyLayer("shared"), tinyLayer(text))
	require.NoError(t, err)
	config, err := img.ConfigFile()
	require.NoError(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture, _ = strings.Cut(platform, "/")
	img, err = mutate.ConfigFile(img, config)
	require.NoError(t, err)
	return img
}

func tinyLayer(text string) v1.Layer {
	return static.NewLayer([]byte(strings.Repeat(text+"\n", layerSize))[:layerSize], types.OCIUncompressedLayer)
}

// tinyChart is a Helm chart as an OCI artefact.
func tinyChart(t *testing.T, chart string) v1.Image {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	for path, text := range map[string]string{"Chart.yaml": "name: " + chart + "\n", "templates/x.yaml": "kind: X\n"} {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: chart + "/" + path, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cncf.helm.config.v1+json")
	img, err := mutate.AppendLayers(img, static.NewLayer(buf.Bytes(), "application/vnd.cncf.helm.chart.content.v1.tar+gzip"))
	require.NoError(t, err)
	return img
}

// layerOf is the digest of one layer of img.
func layerOf(t *testing.T, img v1.Image, i int) string {
	t.Helper()
	m, err := img.Manifest()
	require.NoError(t, err)
	return m.Layers[i].Digest.String()
}

// source is a Source for the server behind the mirror option, without the
// credentials and proxies of whoever runs the tests.
func (s *server) source(t *testing.T, o Options) *Source {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	for _, v := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(v, "")
	}
	o.Mirror = s.host() + o.Mirror
	out, err := New(o)
	require.NoError(t, err)
	return out
}

// options are those of a Resolve from src alone.
func options(dir string, src *Source, log progress.Log) bundle.Options {
	return bundle.Options{Dir: dir, Source: bundle.SourceRegistry, Sources: []bundle.Source{src}, Log: log}
}

// notes is a progress.Log that keeps what was said.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) Begin(string) progress.Phase { return n }
func (n *notes) Waiting(string)              {}
func (n *notes) Show(progress.State)         {}
func (n *notes) End(error)                   {}

func (n *notes) Note(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

func (n *notes) text() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.lines, "\n")
}

package registry

import (
	"context"
	"encoding/base64"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
)

const pilot = "docker.io/istio/pilot:1.31.1"

func TestPullsUnderTheOfficialNames(t *testing.T) {
	for _, prefix := range []string{"", "/team/mirror"} {
		s := newServer(t)
		images := s.publishIstio(t, strings.TrimPrefix(prefix+"/", "/"))
		b, err := bundle.Resolve(t.Context(), options(t.TempDir(), s.source(t, Options{Mirror: prefix}), nil), []string{"istio-1.31"})
		require.NoError(t, err)
		defer b.Close()
		require.NoError(t, b.Verify(t.Context(), progress.Discard().Begin("")))
		for name, img := range images {
			want, err := img.Digest()
			require.NoError(t, err)
			e, err := b.Entry(name)
			require.NoError(t, err)
			assert.Equal(t, want.String(), e.Digest)
			assert.Equal(t, bundle.SourceRegistry, e.Source)
			assert.Equal(t, name[:strings.LastIndex(name, ":")]+"@"+want.String()+" by mirror "+s.host()+prefix, e.Origin)
			assert.Equal(t, "1.31.1", e.Version)
			assert.Empty(t, e.Contains)
		}
		chart, err := b.Files("charts/istio-1.31/gateway")
		require.NoError(t, err)
		raw, err := fs.ReadFile(chart, "Chart.yaml")
		require.NoError(t, err)
		assert.Equal(t, "name: gateway\n", string(raw))
	}
}

func TestMirrorWithoutTheRegistrysName(t *testing.T) {
	s := newServer(t)
	c := component(t, "istio-1.31")
	for _, image := range c.Images {
		s.push(t, strings.TrimPrefix(image, "docker.io/"), tinyImage(t, bundle.Platform(), image))
	}
	for _, path := range c.Files {
		s.push(t, "istio/release/charts/"+filepath.Base(path)+":1.31.1", tinyChart(t, filepath.Base(path)))
	}
	b, err := bundle.Resolve(t.Context(), options(t.TempDir(), s.source(t, Options{}), nil), []string{"istio-1.31"})
	require.NoError(t, err)
	b.Close()
}

func TestMissingImageIsNamed(t *testing.T) {
	s := newServer(t)
	_, err := bundle.Resolve(t.Context(), options(t.TempDir(), s.source(t, Options{}), nil), []string{"istio-1.31"})
	require.Error(t, err)
	for _, want := range []string{pilot, s.host() + "/docker.io/istio/pilot:1.31.1", s.host() + "/istio/pilot:1.31.1", "it is not there"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestCredentials(t *testing.T) {
	s := newServer(t)
	s.publishIstio(t, "")
	s.on(func(w http.ResponseWriter, r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		if user == "ada" && password == "secret" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	src := s.source(t, Options{})
	_, err := bundle.Resolve(t.Context(), options(t.TempDir(), src, nil), []string{"istio-1.31"})
	require.ErrorContains(t, err, pilot)
	require.ErrorContains(t, err, "`docker login "+s.host()+"`")
	require.ErrorContains(t, err, "401")

	auth := base64.StdEncoding.EncodeToString([]byte("ada:secret"))
	config := `{"auths":{"` + s.host() + `":{"auth":"` + auth + `"}}}`
	require.NoError(t, os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(config), 0o600))
	b, err := bundle.Resolve(t.Context(), options(t.TempDir(), src, nil), []string{"istio-1.31"})
	require.NoError(t, err)
	b.Close()
}

func TestIndexGivesThisMachinesImage(t *testing.T) {
	s := newServer(t)
	mine, other := tinyImage(t, bundle.Platform(), "mine"), tinyImage(t, "linux/s390x", "other")
	var index v1.ImageIndex = empty.Index
	for _, img := range []v1.Image{other, mine} {
		config, err := img.ConfigFile()
		require.NoError(t, err)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: config.OS, Architecture: config.Architecture}},
		})
	}
	s.push(t, "docker.io/kindest/node:v1.36.4", index)
	digest, err := index.Digest()
	require.NoError(t, err)
	src := s.source(t, Options{})
	node := "docker.io/kindest/node:v1.36.3"
	pin := src.table[node]
	pin.Digest = digest.String()
	src.table[node] = pin

	said := &notes{}
	b, err := bundle.Resolve(t.Context(), options(t.TempDir(), src, said), []string{"node", "calico"})
	require.NoError(t, err)
	defer b.Close()
	e, err := b.Entry(node)
	require.NoError(t, err)
	want, err := mine.Digest()
	require.NoError(t, err)
	assert.Equal(t, want.String(), e.Digest)
	assert.Equal(t, "v1.36.4", e.Version)
	assert.Contains(t, e.Contains, "Kubernetes v1.36.4")
	assert.Contains(t, e.Origin, "docker.io/kindest/node@"+digest.String())
	_, spared := b.Spared("calico")
	assert.True(t, spared)
	assert.Contains(t, said.text(), "calico: not needed: the official node image brings")
}

func TestForeignPlatformIsRefused(t *testing.T) {
	s := newServer(t)
	s.publishIstio(t, "")
	s.push(t, pilot, tinyImage(t, "linux/s390x", pilot))
	_, err := bundle.Resolve(t.Context(), options(t.TempDir(), s.source(t, Options{}), nil), []string{"istio-1.31"})
	assert.ErrorContains(t, err, "want an image for "+bundle.Platform()+", got linux/s390x")
}

func TestPinHoldsAgainstAnotherImage(t *testing.T) {
	s := newServer(t)
	s.push(t, "docker.io/kindest/node:v1.36.4", tinyImage(t, bundle.Platform(), "not what kind published"))
	_, err := bundle.Resolve(t.Context(), options(t.TempDir(), s.source(t, Options{}), nil), []string{"node"})
	require.ErrorContains(t, err, "docker.io/kindest/node@"+official()["docker.io/kindest/node:v1.36.3"].Digest)
	assert.ErrorContains(t, err, "it is not there")
}

func TestMovedTagIsRefused(t *testing.T) {
	s := newServer(t)
	s.publishIstio(t, "")
	o := options(t.TempDir(), s.source(t, Options{}), nil)
	b, err := bundle.Resolve(t.Context(), o, []string{"istio-1.31"})
	require.NoError(t, err)
	e, err := b.Entry(pilot)
	require.NoError(t, err)
	b.Close()
	require.NoError(t, os.Remove(filepath.Join(o.Dir, "blobs", "sha256", strings.TrimPrefix(e.Digest, "sha256:"))))
	s.push(t, pilot, tinyImage(t, bundle.Platform(), "moved"))
	_, err = bundle.Resolve(t.Context(), o, []string{"istio-1.31"})
	require.ErrorContains(t, err, pilot+": the registry's tag has moved: want "+e.Digest)
}

func TestUnreachableIsToldQuicklyAndOnce(t *testing.T) {
	s := newServer(t)
	src := s.source(t, Options{PingWithin: time.Second})
	s.Close()
	start := time.Now()
	err := src.Available(t.Context(), component(t, "istio-1.31"))
	require.ErrorContains(t, err, s.host())
	require.ErrorContains(t, err, "connection refused")
	assert.Less(t, time.Since(start), 2*time.Second)
	assert.Same(t, err, src.Available(t.Context(), component(t, "metallb")), "it is not asked again")
}

func TestSilentRegistryIsGivenUp(t *testing.T) {
	s := newServer(t)
	s.on(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
	err := s.source(t, Options{PingWithin: 50 * time.Millisecond}).Available(t.Context(), component(t, "istio-1.31"))
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestOneQuestionForEachRegistry(t *testing.T) {
	s := newServer(t)
	src := s.source(t, Options{})
	for _, c := range []string{"node", "metallb", "istio-1.31", "istio-1.22"} {
		require.NoError(t, src.Available(t.Context(), component(t, c)))
	}
	assert.Equal(t, 1, s.count("v2"))
}

func TestAnEndedRunSaysNothingAboutTheRegistry(t *testing.T) {
	s := newServer(t)
	src := s.source(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, src.Available(ctx, component(t, "node")), context.Canceled)
	assert.NoError(t, src.Available(t.Context(), component(t, "node")))
}

func TestNotOffered(t *testing.T) {
	src, err := New(Options{})
	require.NoError(t, err)
	for _, name := range []string{"apps", "calico"} {
		require.Error(t, src.Available(t.Context(), component(t, name)), name)
		in, err := src.Inputs(component(t, name))
		require.NoError(t, err)
		assert.Empty(t, in, name)
	}
}

func TestInputsFollowWhatIsAsked(t *testing.T) {
	one, err := New(Options{})
	require.NoError(t, err)
	two, err := New(Options{Mirror: "mirror.test/x"})
	require.NoError(t, err)
	c := component(t, "metallb")
	a, err := one.Inputs(c)
	require.NoError(t, err)
	b, err := two.Inputs(c)
	require.NoError(t, err)
	assert.Equal(t, a, b, "a mirror delivers the same")
	two.table[c.Images[0]] = artefact{Digest: "sha256:" + strings.Repeat("0", 64)}
	b, err = two.Inputs(c)
	require.NoError(t, err)
	assert.NotEqual(t, a, b, "another pin is another thing")
}

func TestMirrorsThatAreNone(t *testing.T) {
	for _, mirror := range []string{"not a host", "host:port:port/x", "https://", "host/UPPER"} {
		_, err := New(Options{Mirror: mirror})
		require.ErrorContains(t, err, "want host[:port][/prefix]", mirror)
		assert.ErrorContains(t, err, mirror)
	}
}

// Without a mirror the names are those of the projects.
func TestOfficialPlaces(t *testing.T) {
	src, err := New(Options{})
	require.NoError(t, err)
	want := map[string]string{
		pilot:                             pilot,
		"charts/istio-1.31/base":          "ghcr.io/istio/release/charts/base:1.31.1",
		"docker.io/kindest/node:v1.36.3":  "docker.io/kindest/node@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed",
		"quay.io/metallb/speaker:v0.15.2": "quay.io/metallb/speaker@sha256:260c9406f957c0830d4e6cd2e9ac8c05e51ac959dd2462c4c2269ac43076665a",
		"docker.io/istio/proxyv2:1.22.0":  "docker.io/istio/proxyv2:1.22.0",
		"charts/istio-1.22/gateway":       "ghcr.io/istio/release/charts/gateway:1.22.0",
	}
	for _, c := range bundle.Catalogue() {
		for _, artefactName := range append(c.Images, c.Files...) {
			place, ok := want[artefactName]
			if !ok {
				continue
			}
			refs, err := src.refs(src.artefactOf(c, artefactName))
			require.NoError(t, err)
			require.Len(t, refs, 1)
			assert.Equal(t, place, refText(refs[0]))
			delete(want, artefactName)
		}
	}
	assert.Empty(t, want, "names that the catalogue no longer has")
}

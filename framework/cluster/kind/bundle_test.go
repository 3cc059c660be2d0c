package kind

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
)

// tiny is a bundle.Source of one-file images.
type tiny struct{ spares map[string]string }

func (tiny) Name() string                                      { return "registry" }
func (tiny) Available(context.Context, bundle.Component) error { return nil }
func (tiny) Inputs(bundle.Component) (string, error)           { return "", nil }
func (s tiny) Spares(bundle.Component) map[string]string       { return s.spares }

func (tiny) Fetch(_ context.Context, c bundle.Component, w bundle.Writer, _ progress.Phase) error {
	for _, name := range c.Images {
		img, err := mutate.AppendLayers(empty.Image, layerWith(name))
		if err != nil {
			return err
		}
		if err := w.Image(bundle.Entry{Name: name, Origin: "test"}, img); err != nil {
			return err
		}
	}
	for _, name := range c.Files {
		fsys, err := bundle.FilesFS(map[string][]byte{name[strings.LastIndex(name, "/")+1:]: []byte("kind: X\nmetadata: {name: x}\n")})
		if err != nil {
			return err
		}
		if err := w.Files(bundle.Entry{Name: name, Origin: "test"}, fsys); err != nil {
			return err
		}
	}
	return nil
}

func layerWith(file string) v1.Layer {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: file, Mode: 0o644})
	_ = w.Close()
	return static.NewLayer(b.Bytes(), types.DockerUncompressedLayer)
}

func tinyBundle(t *testing.T, s bundle.Source, components ...string) *bundle.Bundle {
	t.Helper()
	b, err := bundle.Resolve(context.Background(), bundle.Options{Dir: t.TempDir(), Source: "registry", Sources: []bundle.Source{s}}, components)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func TestPartsOfReadsTheBundle(t *testing.T) {
	p, err := partsOf(tinyBundle(t, tiny{}, "node", "calico", "metallb"))
	require.NoError(t, err)
	assert.Len(t, p.images(), 4, "%q", p.images())
	assert.Len(t, p.digests(), 7, "node, two images and a manifest each of calico and metallb")
	assert.Nil(t, p.agent)

	p, err = partsOf(tinyBundle(t, tiny{spares: map[string]string{"calico": "the node brings a CNI"}}, "node", "calico", "metallb"))
	require.NoError(t, err)
	assert.Empty(t, p.calico)

	_, err = partsOf(tinyBundle(t, tiny{}, "metallb"))
	require.ErrorContains(t, err, "no node image: run `meshgate bundle fill node` to fetch it")
	_, err = partsOf(tinyBundle(t, tiny{}, "node", "metallb"))
	require.ErrorContains(t, err, "run `meshgate bundle fill calico` to fetch it")
	_, err = partsOf(tinyBundle(t, tiny{}, "node", "calico"))
	require.ErrorContains(t, err, "run `meshgate bundle fill metallb` to fetch it")
}

func TestNodeImageIsLoadedOnceUnderItsOwnName(t *testing.T) {
	b := tinyBundle(t, tiny{}, "node")
	entry, err := nodeEntry(b)
	require.NoError(t, err)
	f := newFake(t)
	f.fails["docker image inspect"] = "Error: No such image"
	f.answers["docker load"] = "Loaded image"
	log := progress.Discard().Begin("")
	tag, err := ensureNodeImage(context.Background(), f.engine(), b, entry, log)
	require.NoError(t, err)
	assert.Equal(t, nodeTag(entry), tag)
	assert.True(t, strings.Contains(f.read["docker load"], `"RepoTags":["`+tag+`"]`), "no other name: the upstream one may be an image of the user's")

	f = newFake(t)
	f.answers["docker image inspect"] = "sha256:1"
	_, err = ensureNodeImage(context.Background(), f.engine(), b, entry, log)
	require.NoError(t, err)
	assert.Len(t, f.calls, 1, "it is there: %q", f.calls)

	f = newFake(t)
	f.fails["docker image inspect"], f.fails["docker load"] = "No such image", "no space left on device"
	_, err = ensureNodeImage(context.Background(), f.engine(), b, entry, log)
	require.ErrorContains(t, err, "no space left on device")
}

func TestLoadImportsOnlyMissingImages(t *testing.T) {
	b := tinyBundle(t, tiny{}, "metallb")
	images := imageNames(b.Entries("metallb"))
	have, err := b.Entry(images[0])
	require.NoError(t, err)
	f := newFake(t)
	f.answers["docker exec n ctr --namespace=k8s.io images list"] = "REF TYPE DIGEST\n" + images[0] + " x " + have.Digest + "\n" + images[1] + " x sha256:other\n"
	f.answers["docker exec --interactive n ctr"] = ""
	e := f.engine()
	log := progress.Discard().Begin("")
	require.NoError(t, loadNode(context.Background(), e, "n", b, images, log))
	got := f.read["docker exec"]
	assert.True(t, strings.Contains(got, images[1]), "another build of that name is replaced")
	assert.False(t, strings.Contains(got, images[0]), "the same build is there")

	f.calls, f.read = nil, map[string]string{}
	require.NoError(t, loadNode(context.Background(), e, "n", b, images[:1], log))
	assert.Len(t, f.calls, 1, "nothing is missing: %q", f.calls)

	require.ErrorContains(t, loadNode(context.Background(), e, "n", b, []string{"docker.io/x/none:1"}, log), "docker.io/x/none:1")
	f.fails["docker exec --interactive n ctr"] = "ctr: no space left on device"
	require.ErrorContains(t, loadNode(context.Background(), e, "n", b, images, log), "no space left on device")
}

func TestThirdPartyImagesAreBakedOnce(t *testing.T) {
	b := tinyBundle(t, tiny{}, "node", "calico", "metallb")
	f := newFake(t)
	f.fails["docker image inspect --format {{.Id}}"] = "No such image"
	f.answers["docker image inspect --format {{json .Config}}"] = `{"Entrypoint":["/entrypoint","/sbin/init"],"Cmd":null}`
	f.answers["docker run"], f.answers["docker commit"], f.answers["docker rm"] = "", "", ""
	w := work{bundle: b, engine: f.engine(), phase: progress.Discard().Begin(""), parts: mustParts(t, b)}
	tag, err := w.baked(context.Background(), "meshgate/node:base")
	require.NoError(t, err)
	assert.Regexp(t, `^meshgate/node:base-[0-9a-f]{12}$`, tag)
	assert.True(t, strings.Contains(f.read["docker run"], "quay.io/metallb/speaker"))
	last := f.calls[len(f.calls)-2:]
	assert.Contains(t, last[0], `commit --change ENTRYPOINT ["/entrypoint","/sbin/init"] --change CMD [] `)
	assert.Contains(t, last[1], "docker rm --force")
}

func TestImagesAreImportedWhenBakingFails(t *testing.T) {
	b := tinyBundle(t, tiny{}, "node", "calico", "metallb")
	f := newFake(t)
	f.fails["docker image inspect --format {{.Id}}"], f.fails["docker run"] = "No such image", "bash: not found"
	f.answers["docker image inspect --format {{json .Config}}"], f.answers["docker rm"] = `{}`, ""
	n := &noted{Phase: progress.Discard().Begin("")}
	w := work{bundle: b, engine: f.engine(), phase: n, parts: mustParts(t, b)}
	tag, err := w.baked(context.Background(), "meshgate/node:base")
	require.NoError(t, err)
	assert.Equal(t, "meshgate/node:base", tag)
	assert.Len(t, n.said, 1, "and it is told")
}

func mustParts(t *testing.T, b *bundle.Bundle) parts {
	t.Helper()
	p, err := partsOf(b)
	require.NoError(t, err)
	return p
}

func TestWhiteouts(t *testing.T) {
	content := func(l v1.Layer) io.Reader {
		r, err := l.Uncompressed()
		require.NoError(t, err)
		return r
	}
	require.NoError(t, whiteouts(content(layerWith("usr/bin/wh.at"))))
	require.ErrorContains(t, whiteouts(content(layerWith("etc/.wh.passwd"))), ".wh.passwd")
	require.Error(t, whiteouts(strings.NewReader(strings.Repeat("no tar", 200))))
}

func TestFingerprintIgnoresTheOrder(t *testing.T) {
	a, b := bundle.Entry{Name: "a", Digest: "1"}, bundle.Entry{Name: "b", Digest: "2"}
	assert.Equal(t, fingerprint([]bundle.Entry{a, b}), fingerprint([]bundle.Entry{b, a}))
	assert.NotEqual(t, fingerprint([]bundle.Entry{a}), fingerprint([]bundle.Entry{b}))
}

func TestExplainAddsNothingToAPlainError(t *testing.T) {
	require.NoError(t, explain("m", nil))
	odd := errors.New("odd")
	require.ErrorIs(t, explain("m", odd), odd)
}

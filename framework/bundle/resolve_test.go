package bundle

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAutoSaysWhatItChoseAndWhy(t *testing.T) {
	registry := &maker{name: SourceRegistry, unavailable: errors.New("docker.io: dial tcp: no route to host")}
	said := &notes{}
	b, err := Resolve(t.Context(), Options{Dir: t.TempDir(), Sources: []Source{registry, builder()}, Log: said}, []string{"istio-1.31"})
	require.NoError(t, err)
	defer b.Close()
	assert.Contains(t, said.text(), "istio-1.31: built from source: registry docker.io: dial tcp: no route to host; nothing cached")
	assert.Len(t, b.Entries("istio-1.31"), 5)
	assert.Empty(t, registry.fetched)

	said = &notes{}
	again, err := Resolve(t.Context(), Options{Dir: b.Dir(), Sources: []Source{registry, builder()}, Log: said}, []string{"istio-1.31"})
	require.NoError(t, err)
	defer again.Close()
	assert.Contains(t, said.text(), "istio-1.31: cached (from source)")
}

func TestAutoFallsThroughToTheNextSource(t *testing.T) {
	registry := &maker{name: SourceRegistry, broken: errors.New("docker.io/istio/pilot:1.31.1: 404")}
	source, said := builder(), &notes{}
	b, err := Resolve(t.Context(), Options{Dir: t.TempDir(), Sources: []Source{registry, source}, Log: said}, []string{"istio-1.31"})
	require.NoError(t, err)
	defer b.Close()
	assert.Equal(t, []string{"istio-1.31"}, source.fetched)
	assert.Contains(t, said.text(), "built from source: registry docker.io/istio/pilot:1.31.1: 404; nothing cached")
	for _, e := range b.Entries("istio-1.31") {
		assert.Equal(t, SourceBuild, e.Source, e.Name)
	}
}

func TestNoSourceNamesEveryReason(t *testing.T) {
	registry := &maker{name: SourceRegistry, unavailable: errors.New("docker.io: timeout")}
	source := &maker{name: SourceBuild, unavailable: errors.New("no meshgate checkout found")}
	_, err := Resolve(t.Context(), Options{Dir: t.TempDir(), Sources: []Source{registry, source}}, []string{"metallb"})
	var u *Unresolved
	require.ErrorAs(t, err, &u)
	assert.Equal(t, "metallb", u.Component)
	require.ErrorIs(t, err, registry.unavailable)
	for _, want := range []string{"registry docker.io: timeout", "source no meshgate checkout found", "nothing cached", "meshgate bundle load"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestChosenSourceIsAskedAlone(t *testing.T) {
	registry, source := &maker{name: SourceRegistry, unavailable: errors.New("offline")}, builder()
	o := Options{Dir: t.TempDir(), Source: SourceRegistry, Sources: []Source{registry, source}}
	_, err := Resolve(t.Context(), o, []string{"metallb"})
	require.ErrorContains(t, err, "offline")
	assert.Empty(t, source.fetched)

	b, err := Resolve(t.Context(), o, []string{"apps"})
	require.NoError(t, err, "our own applications are in no registry")
	b.Close()
	assert.Equal(t, []string{"apps"}, source.fetched)

	o.Source = SourceArchive
	_, err = Resolve(t.Context(), o, []string{"metallb"})
	assert.ErrorContains(t, err, `the chosen source is "archive" and there is no source of that kind`)
	o.Source = "registri"
	_, err = Resolve(t.Context(), o, []string{"metallb"})
	assert.ErrorContains(t, err, `want one of auto, cached, registry, source, archive, got "registri"`)
}

func TestOptionalOnlyByName(t *testing.T) {
	b := filled(t, builder())
	assert.Empty(t, b.Entries("istio-1.22"))
	assert.Len(t, b.Entries("istio-1.31"), 5)
	assert.Len(t, filled(t, builder(), "istio-1.22").Entries("istio-1.22"), 5)
	_, err := Resolve(t.Context(), Options{Dir: t.TempDir()}, []string{"istio-1.99"})
	assert.ErrorContains(t, err, `component "istio-1.99" is not in the catalogue; it has node, calico, metallb, istio-1.31, istio-1.22, mongodb, apps`)
}

func TestRegistryNodeSparesCalico(t *testing.T) {
	registry := &maker{name: SourceRegistry, spare: map[string]string{"calico": "the node brings a CNI that enforces NetworkPolicy"}}
	source, said := builder(), &notes{}
	b := filled(t, source, "node", "calico")
	require.Len(t, b.Entries("calico"), 3)

	b.Close() // so that what is no longer needed may go
	o := Options{Dir: b.Dir(), Source: SourceRegistry, Sources: []Source{registry, source}, Log: said}
	b, err := Resolve(t.Context(), o, []string{"node", "calico"})
	require.NoError(t, err)
	defer b.Close()
	reason, spared := b.Spared("calico")
	assert.True(t, spared)
	assert.Contains(t, reason, "enforces NetworkPolicy")
	assert.Empty(t, b.Entries("calico"))
	assert.Contains(t, said.text(), "calico: not needed: the node brings")
	_, err = b.Entry("docker.io/calico/node:v3.28.5")
	require.ErrorContains(t, err, "not needed: the node brings")

	o.Source, source.salt = SourceCached, "newer"
	cached, err := Resolve(t.Context(), o, []string{"node", "calico"})
	require.NoError(t, err, "cached is told the same")
	cached.Close()
}

func TestSourceNodeNeedsCalicoAgain(t *testing.T) {
	l := newLock().with("node", []Entry{{Component: "node", Name: "n"}}, map[string]string{"calico": "why"})
	_, spared := l.spared("calico")
	require.True(t, spared)
	_, spared = l.with("node", []Entry{{Component: "node", Name: "n"}}, nil).spared("calico")
	assert.False(t, spared)
	l.Entries = nil // somebody took the node's lines out
	_, spared = l.spared("calico")
	assert.False(t, spared)
}

func TestChangedInputsAreMadeAgain(t *testing.T) {
	source := builder()
	b := filled(t, source, "apps")
	before, err := b.Entry("docker.io/meshgate/agent:dev")
	require.NoError(t, err)
	b.Close()

	source.inputs, source.salt = map[string]string{"apps": "edited"}, "edited"
	said := &notes{}
	b, err = Resolve(t.Context(), Options{Dir: b.Dir(), Sources: []Source{source}, Log: said}, []string{"apps"})
	require.NoError(t, err)
	defer b.Close()
	after, err := b.Entry("docker.io/meshgate/agent:dev")
	require.NoError(t, err)
	assert.NotEqual(t, before.Digest, after.Digest)
	assert.Equal(t, "edited", after.Inputs)
	assert.Contains(t, said.text(), "what it is made from has changed")
	assert.Contains(t, said.text(), "removed")
}

func TestWhoCannotSayKeepsWhatIsCached(t *testing.T) {
	source := builder()
	b := filled(t, source, "apps")
	source.silent, source.inputs = errors.New("no checkout"), map[string]string{"apps": "other"}
	again, err := Resolve(t.Context(), Options{Dir: b.Dir(), Sources: []Source{source}}, []string{"apps"})
	require.NoError(t, err)
	again.Close()
	assert.Len(t, source.fetched, 1)
}

func TestPulledStaysCachedWhateverIsChosen(t *testing.T) {
	registry, source := &maker{name: SourceRegistry}, builder()
	b := filled(t, registry, "metallb")
	for _, chosen := range []string{SourceAuto, SourceBuild, SourceRegistry, SourceCached} {
		again, err := Resolve(t.Context(), Options{Dir: b.Dir(), Source: chosen, Sources: []Source{registry, source}}, []string{"metallb"})
		require.NoError(t, err)
		again.Close()
	}
	assert.Empty(t, source.fetched)
	assert.Len(t, registry.fetched, 1)
}

func TestRegistryChosenReplacesWhatWasBuilt(t *testing.T) {
	registry, source := &maker{name: SourceRegistry}, builder()
	b := filled(t, source, "metallb")
	said := &notes{}
	again, err := Resolve(t.Context(), Options{Dir: b.Dir(), Source: SourceRegistry, Sources: []Source{registry, source}, Log: said}, []string{"metallb"})
	require.NoError(t, err)
	defer again.Close()
	assert.Equal(t, []string{"metallb"}, registry.fetched)
	assert.Contains(t, said.text(), "what is cached comes from source (made by source)")
}

func TestDamagedBlobsAreFetchedAgain(t *testing.T) {
	damage := map[string]func(t *testing.T, path string){
		"missing":   func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) },
		"truncated": func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 10)) },
	}
	for name, do := range damage {
		for _, layer := range []int{-1, 1} {
			source, said := builder(), &notes{}
			b := filled(t, source, "metallb")
			do(t, blobPathOf(t, b, "quay.io/metallb/speaker:v0.15.2", layer))
			again, err := Resolve(t.Context(), Options{Dir: b.Dir(), Sources: []Source{source}, Log: said}, []string{"metallb"})
			require.NoError(t, err, name)
			assert.Contains(t, said.text(), "what is cached is damaged: quay.io/metallb/speaker:v0.15.2", name)
			assert.NoError(t, again.Verify(t.Context(), phase()), name)
			again.Close()
		}
	}
}

func TestHalfAComponentIsNotRecorded(t *testing.T) {
	dir, source := t.TempDir(), builder()
	source.broken = errors.New("compiler: killed")
	_, err := Resolve(t.Context(), Options{Dir: dir, Sources: []Source{source}}, []string{"metallb"})
	require.ErrorContains(t, err, "compiler: killed")
	_, err = Open(dir)
	require.ErrorIs(t, err, ErrNoBundle)
	assert.Positive(t, blobCount(t, dir), "what was finished stays for the next attempt")

	source.broken, source.leaveOut = nil, "manifests/metallb-native.yaml"
	_, err = Resolve(t.Context(), Options{Dir: dir, Sources: []Source{source}}, []string{"metallb"})
	require.ErrorContains(t, err, "did not deliver manifests/metallb-native.yaml; nothing of it is recorded")
}

func TestEarlierComponentsSurviveALaterFailure(t *testing.T) {
	dir, source := t.TempDir(), builder()
	ctx, cancel := context.WithCancel(t.Context())
	source.started, source.proceed = make(chan struct{}), make(chan struct{})
	go func() {
		<-source.started
		cancel()
		close(source.proceed)
	}()
	_, err := Resolve(ctx, Options{Dir: dir, Sources: []Source{source}}, []string{"metallb", "apps"})
	require.ErrorIs(t, err, context.Canceled)
	b, err := Open(dir)
	require.NoError(t, err)
	defer b.Close()
	assert.Len(t, b.Entries("metallb"), 3, "it was whole before the end")
	assert.Empty(t, b.Entries("apps"))
}

func TestMovedTagIsRefused(t *testing.T) {
	registry := &maker{name: SourceRegistry}
	b := filled(t, registry, "metallb")
	require.NoError(t, os.Remove(blobPathOf(t, b, "quay.io/metallb/speaker:v0.15.2", 1)))
	registry.salt = "moved"
	_, err := Resolve(t.Context(), Options{Dir: b.Dir(), Sources: []Source{registry}}, []string{"metallb"})
	require.ErrorContains(t, err, "quay.io/metallb/controller:v0.15.2: the registry's tag has moved: want sha256:")

	registry.inputs = map[string]string{"metallb": "another pin"}
	next, err := Resolve(t.Context(), Options{Dir: b.Dir(), Sources: []Source{registry}}, []string{"metallb"})
	require.NoError(t, err, "the catalogue asks for something else")
	next.Close()
}

func TestDefaultDirIsInTheCacheFolder(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/cache")
	t.Setenv("HOME", "/home/somebody")
	dir, err := DefaultDir()
	require.NoError(t, err)
	assert.Equal(t, "bundle", filepath.Base(dir))
	assert.Equal(t, "meshgate", filepath.Base(filepath.Dir(dir)))
}

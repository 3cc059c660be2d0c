package testbed

import (
	"context"
	"testing"

	"meshgate/framework/config"
	"meshgate/framework/kube"
	"meshgate/framework/manifest"
	"meshgate/framework/progress"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func namespace(name string) *unstructured.Unstructured { return manifest.Namespace(name, nil) }

func TestLeaveRemovesTheClusterAfterTheLastUser(t *testing.T) {
	w := newWorld(t)
	a, b := w.up(providerKind, false), w.up(providerKind, false)
	assert.Equal(t, []string{"machine", "bundle", "cluster", "load", "mesh", "machine", "bundle", "cluster", "load", "mesh"}, w.did)
	w.did = nil
	w.leave(a)
	assert.Empty(t, w.did, "another process still uses it")
	w.leave(b)
	assert.Equal(t, []string{"cluster down"}, w.did, "the mesh is removed with the cluster")
	assert.Empty(t, w.marks())
}

func TestLeaveOfTheCreatorKeepsASharedCluster(t *testing.T) {
	w := newWorld(t)
	maker, guest := w.up(providerKind, false), w.up(providerKind, false)
	w.leave(guest)
	assert.True(t, w.stands)
	w.leave(maker)
	assert.False(t, w.stands)
}

func TestLeaveKeepsAnEarlierCluster(t *testing.T) {
	w := newWorld(t)
	w.stands = true
	w.leave(w.up(providerKind, false))
	assert.True(t, w.stands)
	assert.NotContains(t, w.did, "cluster down")
}

func TestLaterRunsDoNotRemoveAKeptCluster(t *testing.T) {
	w := newWorld(t)
	w.leave(w.up(providerKind, true))
	w.leave(w.up(providerKind, false))
	assert.True(t, w.stands, "a later run uses the kept cluster and does not remove it")
	assert.Empty(t, w.marks())
}

func TestKeepAlsoKeepsAClusterOfAnotherRun(t *testing.T) {
	w := newWorld(t)
	maker, keeper := w.up(providerKind, false), w.up(providerKind, true)
	w.leave(keeper)
	w.leave(maker)
	assert.True(t, w.stands)
}

func TestFailedUpRemovesWhatItCreated(t *testing.T) {
	for _, action := range []string{"load", "mesh"} {
		w := newWorld(t)
		w.breaks = action
		_, err := w.plan(providerKind, false).bed(t.Context(), progress.Discard())
		require.ErrorIs(t, err, errBroken)
		assert.Equal(t, "cluster down", w.did[len(w.did)-1], action)
		assert.Empty(t, w.marks())
	}
}

func TestUpThatFailsEarlyRemovesNothing(t *testing.T) {
	for _, action := range []string{"machine", "bundle", "cluster"} {
		w := newWorld(t)
		w.breaks = action
		_, err := w.plan(providerKind, false).bed(t.Context(), progress.Discard())
		require.ErrorIs(t, err, errBroken)
		assert.Equal(t, action, w.did[len(w.did)-1], "nothing comes after it")
	}
}

func TestFailedUpKeepsAnEarlierCluster(t *testing.T) {
	w := newWorld(t)
	w.stands, w.breaks = true, "mesh"
	_, err := w.plan(providerKind, false).bed(t.Context(), progress.Discard())
	require.ErrorIs(t, err, errBroken)
	assert.True(t, w.stands)
}

func TestFailedUpKeepsAClusterInUse(t *testing.T) {
	w := newWorld(t)
	other := w.up(providerKind, false)
	w.breaks = "mesh"
	_, err := w.plan(providerKind, false).bed(t.Context(), progress.Discard())
	require.ErrorIs(t, err, errBroken)
	assert.True(t, w.stands, "it is in use")
	w.leave(other)
	assert.False(t, w.stands)
}

func TestFailedUpWithKeepRemovesNothing(t *testing.T) {
	w := newWorld(t)
	w.breaks = "mesh"
	_, err := w.plan(providerKind, true).bed(t.Context(), progress.Discard())
	require.ErrorIs(t, err, errBroken)
	assert.True(t, w.stands)
}

func TestRemovalRunsAfterAnInterruption(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	bed, err := w.plan(providerKind, false).bed(ctx, progress.Discard())
	require.NoError(t, err)
	cancel()
	require.NoError(t, bed.Leave(ctx, progress.Discard()))
	assert.False(t, w.stands)
	assert.False(t, w.ended, "the removal's context outlives the interrupted one")
}

func TestFailedRemovalNamesTheCommandAndKeepsTheMark(t *testing.T) {
	w := newWorld(t)
	bed := w.up(providerKind, false)
	w.breaks = "cluster down"
	err := bed.Leave(t.Context(), progress.Discard())
	require.ErrorIs(t, err, errBroken)
	assert.ErrorContains(t, err, "remove the rest with `meshgate down`")
	assert.Equal(t, []string{"m.passing"}, w.marks(), "the next run removes it")
}

func TestLeaveRemovesOnlyTheMeshFromAnExistingCluster(t *testing.T) {
	w := newWorld(t)
	bed := w.up(providerExisting, false)
	assert.Equal(t, []string{"machine", "bundle", "cluster", "mesh"}, w.did, "the nodes pull the images themselves")
	w.did = nil
	w.leave(bed)
	assert.Equal(t, []string{"mesh down", "cluster down"}, w.did)
}

func TestLeaveKeepsAKeptMeshOnAnExistingCluster(t *testing.T) {
	w := newWorld(t)
	w.leave(w.up(providerExisting, true))
	w.leave(w.up(providerExisting, false))
	assert.NotContains(t, w.did, "mesh down")
}

func TestDownRemovesObjectsOfKilledRunsFromAnExistingCluster(t *testing.T) {
	w := newWorld(t)
	k, err := kube.Connect(w.kubeconfig, "")
	require.NoError(t, err)
	require.NoError(t, k.Apply(t.Context(), "basic-gateway-CORS", namespace("left")))
	require.NoError(t, k.Apply(t.Context(), clusterOwner, namespace("metallb-system")))
	require.NoError(t, w.plan(providerExisting, false).down(t.Context(), progress.Discard()))
	_, err = k.Get(t.Context(), namespace("left"))
	assert.True(t, apierrors.IsNotFound(err), "left behind: %v", err)
	_, err = k.Get(t.Context(), namespace("metallb-system"))
	assert.NoError(t, err, "the object belongs to the cluster")
}

func TestFailedUpRemovesTheMeshFromAnExistingCluster(t *testing.T) {
	w := newWorld(t)
	w.breaks = "mesh"
	_, err := w.plan(providerExisting, false).bed(t.Context(), progress.Discard())
	require.ErrorIs(t, err, errBroken)
	assert.Contains(t, w.did, "mesh down")
}

func TestUpChecksAnExistingClusterFirst(t *testing.T) {
	w := newWorld(t)
	p := w.plan(providerExisting, false)
	p.cfg.Cluster.Context = "other"
	_, err := p.bed(t.Context(), progress.Discard())
	require.ErrorContains(t, err, `context: want "other", got only [memory]`)
	assert.Empty(t, w.did)
}

func TestLeaveOnlyClosesABedThatUpDidNotReturn(t *testing.T) {
	assert.NoError(t, (&Bed{}).Leave(t.Context(), progress.Discard()))
}

func TestLeasesAreNamedAfterTheSharedCluster(t *testing.T) {
	named := func(provider, name, kubeconfig, context string) string {
		cfg := config.Config{}
		cfg.Cluster.Provider, cfg.Cluster.Name, cfg.Cluster.Kubeconfig, cfg.Cluster.Context = provider, name, kubeconfig, context
		return (&plan{cfg: cfg}).leaseName()
	}
	assert.Equal(t, "mine", named(providerKind, "mine", "", ""))
	existing := named(providerExisting, "mine", "/k", "a")
	assert.Regexp(t, `^existing-[0-9a-f]{8}$`, existing)
	assert.Equal(t, existing, named(providerExisting, "other", "/k", "a"), "the name is kind's")
	assert.NotEqual(t, existing, named(providerExisting, "mine", "/k", "b"))
	assert.NotEqual(t, existing, named(providerExisting, "mine", "/l", "a"))
}

package kind

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/cluster"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/progress"
)

func TestOurNodesRefusesForeignNodes(t *testing.T) {
	f, n := newFake(t), testNames(t)
	f.answers["docker ps"] = "m-control-plane\n"
	f.answers["docker container inspect"] = strings.ReplaceAll(oneNode, "meshgate.m", "kind")
	_, err := ourNodes(context.Background(), f.engine(), n)
	var foreign *cluster.ForeignError
	require.ErrorAs(t, err, &foreign)
	assert.Contains(t, err.Error(), "m-control-plane")
	require.ErrorAs(t, removeNodes(context.Background(), f.engine(), n), &foreign)
	for _, call := range f.calls {
		assert.NotContains(t, call, "docker rm")
	}
}

func TestFindNetworkRefusesAForeignNetwork(t *testing.T) {
	f, n := newFake(t), testNames(t)
	f.answers["docker network inspect meshgate.m"] = `[{"Name":"meshgate.m","Labels":{}}]`
	_, err := ensureNetwork(context.Background(), f.engine(), n)
	var foreign *cluster.ForeignError
	require.ErrorAs(t, err, &foreign)
	require.ErrorAs(t, removeNetwork(context.Background(), f.engine(), n), &foreign)
}

func TestRemoveNodesRemovesTheirVolumes(t *testing.T) {
	f := newFake(t)
	f.answers["docker ps"], f.answers["docker container inspect"] = "m-control-plane\n", oneNode
	f.answers["docker rm --force --volumes m-control-plane"] = ""
	f.fails["docker volume rm --force abc"] = "Error: No such volume: abc"
	e := f.engine()
	require.NoError(t, removeNodes(context.Background(), e, testNames(t)))
	assert.Contains(t, f.calls, "docker volume rm --force abc", "also if an earlier removal ended half-way")
}

func TestRemoveNodesErrorNamesTheCommand(t *testing.T) {
	f := newFake(t)
	f.answers["docker ps"], f.answers["docker container inspect"] = "m-control-plane\n", oneNode
	f.fails["docker rm"] = "Cannot connect to the Docker daemon"
	err := removeNodes(context.Background(), f.engine(), testNames(t))
	require.ErrorContains(t, err, "by hand: docker rm --force --volumes m-control-plane")
}

func TestEnsureNetworkUsesTheAdministratorsMTU(t *testing.T) {
	f := newFake(t)
	f.answers["docker network inspect bridge"] = "1400\n"
	f.fails["docker network inspect meshgate.m"] = "Error: No such network: meshgate.m"
	f.answers["docker network create"] = "id\n"
	_, err := ensureNetwork(context.Background(), f.engine(), testNames(t))
	require.ErrorContains(t, err, "does not exist right after its creation")
	assert.Contains(t, f.calls[2], "--label meshgate.dev/cluster=m --opt com.docker.network.driver.mtu=1400 meshgate.m")
}

func TestPool(t *testing.T) {
	for subnet, want := range map[string]string{
		"172.20.0.0/16":   "172.20.255.200-172.20.255.250",
		"192.168.48.0/20": "192.168.63.200-192.168.63.250",
		"10.1.2.0/24":     "10.1.2.200-10.1.2.250",
		"10.89.0.128/25":  "",
		"fc00:1:2:3::/64": "",
		"not a subnet":    "",
	} {
		w := &network{Name: "n", IPAM: struct{ Config []subnetOf }{[]subnetOf{{Subnet: subnet}}}}
		got, err := w.pool()
		assert.Equal(t, want, got, subnet)
		assert.Equal(t, want == "", err != nil, subnet)
	}
	podman := &network{Subnets: []subnetOf{{"fc00::/64"}, {"10.89.1.0/24"}}}
	got, err := podman.pool()
	require.NoError(t, err)
	assert.Equal(t, "10.89.1.200-10.89.1.250", got)
}

func TestLeftoversNameTheRemovalCommand(t *testing.T) {
	f := newFake(t)
	p, err := New(Options{Name: "m", Nodes: 1, Dir: t.TempDir(), Runner: f, Engine: engine.Docker})
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(p.names.dir, 0o755))
	f.answers["docker ps"], f.answers["docker container inspect"] = "m-control-plane\n", oneNode
	f.answers["docker network inspect meshgate.m"] = `[{"Name":"meshgate.m","Labels":{"meshgate.dev/cluster":"m"}}]`
	left, err := p.Leftovers(context.Background())
	require.NoError(t, err)
	assert.Equal(t, []string{
		"container m-control-plane: docker rm --force --volumes m-control-plane",
		"volume abc: docker volume rm abc",
		"network meshgate.m: docker network rm meshgate.m",
		"folder " + p.names.dir + ": rm -r " + p.names.dir,
	}, left)
}

func TestDownWithoutEngineRemovesTheFiles(t *testing.T) {
	p, err := New(Options{Name: "m", Nodes: 1, Dir: t.TempDir(), Runner: noEngine{}})
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(p.names.dir, 0o755))
	require.NoError(t, p.Down(context.Background(), progress.Discard()))
	assert.NoDirExists(t, p.names.dir)
	left, err := p.Leftovers(context.Background())
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestPurgeRemovesOurNodeImagesAndNoOthers(t *testing.T) {
	f := newFake(t)
	p, err := New(Options{Name: "m", Nodes: 1, Dir: t.TempDir(), Runner: f, Engine: engine.Docker})
	require.NoError(t, err)
	list := "docker images --format {{.Repository}}:{{.Tag}} " + nodeRepository
	f.answers[list], f.answers["docker rmi"] = "", ""
	require.NoError(t, p.Purge(t.Context(), progress.Discard()))
	assert.NotContains(t, strings.Join(f.calls, "\n"), "rmi", "there are none")
	f.answers[list] = nodeRepository + ":abc\n" + nodeRepository + ":abc-def\n"
	require.NoError(t, p.Purge(t.Context(), progress.Discard()))
	assert.Equal(t, "docker rmi "+nodeRepository+":abc "+nodeRepository+":abc-def", f.calls[len(f.calls)-1])
	f.fails["docker rmi"] = "image is being used by running container 12"
	require.ErrorContains(t, p.Purge(t.Context(), progress.Discard()), "being used")
}

func TestPurgeWithoutAnEngineHasNothingToRemove(t *testing.T) {
	p, err := New(Options{Name: "m", Nodes: 1, Dir: t.TempDir(), Runner: noEngine{}})
	require.NoError(t, err)
	require.NoError(t, p.Purge(t.Context(), progress.Discard()))
}

type noEngine struct{ engine.Commands }

func (noEngine) Find(string) []string { return nil }

func TestDownFailsWhenTheEngineDoesNotAnswer(t *testing.T) {
	f := newFake(t)
	f.fails["docker info"] = "Cannot connect to the Docker daemon. Is the docker daemon running?"
	p, err := New(Options{Name: "m", Nodes: 1, Dir: t.TempDir(), Runner: f, Engine: engine.Docker})
	require.NoError(t, err)
	err = p.Down(context.Background(), progress.Discard())
	var unusable *engine.UnusableError
	require.ErrorAs(t, err, &unusable, "its nodes may be there: nobody may say that they are gone")
}

func TestUpEndsWithItsContext(t *testing.T) {
	p, err := New(Options{Name: "m", Nodes: 1, Dir: t.TempDir(), Runner: newFake(t), Engine: engine.Docker})
	require.NoError(t, err)
	unlock, err := p.lock(context.Background())
	require.NoError(t, err)
	defer unlock()
	ctx, stop := context.WithCancelCause(context.Background())
	interrupted := errors.New("interrupted")
	stop(interrupted)
	_, err = p.lock(ctx)
	require.ErrorIs(t, err, interrupted, "while another process works on the cluster")
}

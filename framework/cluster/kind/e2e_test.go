//go:build e2e

// These tests make real clusters in the engine of this machine, from the bundle
// in the user's cache: go test -tags e2e -timeout 30m ./framework/cluster/kind
package kind

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster"
	"meshgate/framework/cluster/existing"
	"meshgate/framework/kube"
	"meshgate/framework/progress"
	"meshgate/framework/wait"
)

func TestLifecycle(t *testing.T) {
	s := newStand(t)
	ctx := context.Background()
	c, err := s.p.Up(ctx, s.b, progress.Discard())
	require.NoError(t, err)
	assert.True(t, c.Created)
	assert.Equal(t, "v1.36.3", c.KubernetesVersion)
	require.NoError(t, c.NetworkPolicy)
	require.NoError(t, c.LoadBalancer)
	k, err := kube.Connect(c.Kubeconfig, c.Context)
	require.NoError(t, err)
	s.balances(k)
	s.servicesStayInside()
	s.takenAsExisting(k, c)

	began := time.Now()
	again, err := s.p.Up(ctx, s.b, progress.Discard())
	require.NoError(t, err)
	assert.False(t, again.Created, "a living cluster is taken")
	assert.Equal(t, c.Facts, again.Facts)
	t.Logf("taken in %s", time.Since(began))

	images := []string{cluster.AgentImage}
	require.NoError(t, s.p.Load(ctx, c, s.b, images, progress.Discard().Begin("")))
	require.ErrorContains(t, s.p.Load(ctx, c, s.b, []string{"docker.io/x/none:1"}, progress.Discard().Begin("")), "docker.io/x/none:1")

	s.deadNodeIsReplaced()
	volumes := s.volumes()
	require.NotEmpty(t, volumes)
	require.NoError(t, s.p.Down(ctx, progress.Discard()))
	s.nothingLeft(volumes)
	require.NoError(t, s.p.Down(ctx, progress.Discard()), "nothing to remove is fine")
}

// servicesStayInside: what is sent to a Service that does not exist ends in the node.
func (s stand) servicesStayInside() {
	s.Helper()
	node := s.p.o.Name + "-control-plane"
	dropped := func() string {
		out, err := s.e.Run(context.Background(), "exec", node, "sh", "-c", "iptables --table mangle --list-rules POSTROUTING --verbose | grep DROP")
		require.NoError(s, err)
		return string(out)
	}
	before := dropped()
	_, err := s.e.Run(context.Background(), "exec", node, "timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/10.96.255.254/443")
	require.Error(s, err)
	assert.NotEqual(s, before, dropped(), "its counters")
}

// takenAsExisting: what the other provider finds out about a cluster is the same,
// and it leaves nothing in it.
func (s stand) takenAsExisting(k *kube.Client, c *cluster.Cluster) {
	s.Helper()
	ctx := context.Background()
	before, err := k.Snapshot(ctx)
	require.NoError(s, err)
	other := existing.New(existing.Options{Kubeconfig: c.Kubeconfig, Image: cluster.AgentImage, Budget: s.p.o.Budget})
	seen, err := other.Up(ctx, nil, progress.Discard())
	require.NoError(s, err)
	assert.Equal(s, c.Context, seen.Context)
	assert.Equal(s, c.KubernetesVersion, seen.KubernetesVersion)
	assert.False(s, seen.Created)
	require.NoError(s, seen.NetworkPolicy)
	require.NoError(s, seen.LoadBalancer)
	require.NoError(s, other.Load(ctx, seen, nil, []string{cluster.AgentImage}, nil), "its nodes have it")
	after, err := k.Snapshot(ctx)
	require.NoError(s, err)
	assert.Empty(s, before.Diff(after).Added)
}

// balances shows that a Service gets an address of the pool and answers there.
func (s stand) balances(k *kube.Client) {
	s.Helper()
	ctx := context.Background()
	pod := objectOf("v1", "Pod", "balanced")
	pod.SetLabels(map[string]string{"app": "balanced"})
	pod.Object["spec"] = map[string]any{"containers": []any{map[string]any{"name": "agent", "image": cluster.AgentImage, "args": []any{"serve"}}}}
	svc := objectOf("v1", "Service", "balanced")
	svc.Object["spec"] = map[string]any{"type": "LoadBalancer", "selector": map[string]any{"app": "balanced"}, "ports": []any{map[string]any{"port": int64(80), "targetPort": int64(8080)}}}
	require.NoError(s, k.Apply(ctx, "e2e", pod, svc))
	_, err := wait.Until(ctx, wait.Deadline{Name: "load balancer answers", Within: time.Minute}, poll, func(ctx context.Context) error {
		got, err := k.Typed().CoreV1().Services("default").Get(ctx, "balanced", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if len(got.Status.LoadBalancer.Ingress) == 0 {
			return errors.New("no address yet")
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+got.Status.LoadBalancer.Ingress[0].IP+"/healthz", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			err = res.Body.Close()
		}
		return err
	})
	require.NoError(s, err)
	require.NoError(s, k.Delete(ctx, pod, svc))
}

func objectOf(apiVersion, kind, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetAPIVersion(apiVersion)
	o.SetKind(kind)
	o.SetNamespace("default")
	o.SetName(name)
	return o
}

// deadNodeIsReplaced: an engine or machine that was restarted leaves stopped nodes.
func (s stand) deadNodeIsReplaced() {
	s.Helper()
	ctx := context.Background()
	_, err := s.e.Run(ctx, "kill", s.p.names.controlPlane())
	require.NoError(s, err)
	var notes []string
	c, err := s.p.Up(ctx, s.b, &teller{told: func(m string) { notes = append(notes, m) }})
	require.NoError(s, err)
	assert.True(s, c.Created)
	assert.Contains(s, strings.Join(notes, "\n"), "replacing the cluster")
}

// TestInterruptedAtAnyPoint cancels a creation in each of its steps.
func TestInterruptedAtAnyPoint(t *testing.T) {
	for _, step := range []string{
		"node image", "kind: Preparing nodes", "kind: Writing configuration", "kind: Starting control-plane",
		"images into node", "addons:", "kind: Installing StorageClass", "deployment kube-system/coredns",
	} {
		t.Run(step, func(t *testing.T) {
			s := newStand(t)
			ctx, stop := context.WithCancelCause(context.Background())
			interrupted, reached, volumes := errors.New("interrupted"), false, []string(nil)
			began := time.Now()
			_, err := s.p.Up(ctx, s.b, &teller{told: func(m string) {
				if strings.Contains(m, step) && !reached {
					reached, volumes, began = true, s.volumes(), time.Now()
					stop(interrupted)
				}
			}})
			if !reached {
				require.Equal(t, "node image", step, "only this step is passed over when all is cached")
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, interrupted)
			t.Logf("cleaned up in %s", time.Since(began))
			s.nothingLeft(volumes)
		})
	}
}

// TestUpReplacesAnUnfinishedCluster: nothing can clean up after SIGKILL, but the next
// run can.
func TestUpReplacesAnUnfinishedCluster(t *testing.T) {
	s := newStand(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+s.p.o.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	reached := false
	for lines := bufio.NewScanner(out); lines.Scan() && !reached; {
		reached = strings.Contains(lines.Text(), startingControlPlane)
	}
	require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	require.Error(t, cmd.Wait())
	require.True(t, reached)

	left, err := s.p.Leftovers(context.Background())
	require.NoError(t, err)
	assert.Len(t, left, 4, "node, volume, network, folder: %q", left)
	// A lock that kind leaves beside its kubeconfig would stop it for ever.
	require.NoError(t, os.WriteFile(s.p.names.kubeconfig()+".lock", nil, 0o600))
	c, err := s.p.Up(context.Background(), s.b, progress.Discard())
	require.NoError(t, err)
	assert.True(t, c.Created)
}

// TestTwoConcurrentUpsShareACluster: the second waits for the first and takes what it made.
func TestTwoConcurrentUpsShareACluster(t *testing.T) {
	s := newStand(t)
	second, err := New(s.p.o)
	require.NoError(t, err)
	created := make(chan bool, 2)
	for _, p := range []*Provider{s.p, second} {
		go func() {
			c, err := p.Up(context.Background(), s.b, progress.Discard())
			assert.NoError(t, err)
			created <- c != nil && c.Created
		}()
	}
	assert.NotEqual(t, <-created, <-created, "one creates, the other takes")
}

// TestUpRefusesAForeignCluster: a node of kind's that we did not make stays.
func TestUpRefusesAForeignCluster(t *testing.T) {
	s := newStand(t)
	base, err := ensureNodeImage(context.Background(), s.e, s.b, mustNode(t, s.b), progress.Discard().Begin(""))
	require.NoError(t, err)
	const name = "meshgate-e2e-foreign"
	_, err = s.e.Run(context.Background(), "create", "--name", name, "--label", kindLabel+"="+s.p.o.Name, base)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := s.e.Run(context.Background(), "rm", "--force", "--volumes", name)
		require.NoError(t, err)
	})
	var foreign *cluster.ForeignError
	_, err = s.p.Up(context.Background(), s.b, progress.Discard())
	require.ErrorAs(t, err, &foreign)
	require.ErrorAs(t, s.p.Down(context.Background(), progress.Discard()), &foreign)
	_, err = s.e.Run(context.Background(), "container", "inspect", name)
	require.NoError(t, err, "it must not be touched")
}

func mustNode(t *testing.T, b *bundle.Bundle) bundle.Entry {
	t.Helper()
	e, err := nodeEntry(b)
	require.NoError(t, err)
	return e
}

// TestTwoNodes: policies and addresses work across nodes too.
func TestTwoNodes(t *testing.T) {
	s := newStand(t)
	s.p.o.Nodes = 2
	c, err := s.p.Up(context.Background(), s.b, progress.Discard())
	require.NoError(t, err)
	require.NoError(t, c.NetworkPolicy)
	k, err := kube.Connect(c.Kubeconfig, c.Context)
	require.NoError(t, err)
	s.balances(k)
	assert.FileExists(t, filepath.Join(s.p.o.Dir, s.p.o.Name, "kubeconfig"))
}

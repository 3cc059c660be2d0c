//go:build e2e

// These tests make real clusters in the engine of this machine, from the bundle
// in the user's cache: go test -tags e2e -timeout 30m ./framework/cluster/kind
package kind

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/kube"
	"meshgate/framework/progress"
	"meshgate/framework/wait"
)

// childVariable makes this test binary a process that brings the cluster up and
// says each of its steps.
const childVariable = "MESHGATE_KIND_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

func child(dir string) int {
	b, err := bundle.Open("")
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	p, err := New(e2eOptions(dir))
	if err == nil {
		_, err = p.Up(context.Background(), b, &teller{told: func(s string) { fmt.Println(s) }})
	}
	fmt.Println("ended:", err)
	return 0
}

func e2eOptions(dir string) Options {
	return Options{Name: "meshgate-e2e", Nodes: 1, Engine: engine.Auto, Dir: dir, Budget: wait.DefaultBudget().Scale(3)}
}

// teller is a progress.Log that passes on what is waited for, each thing once.
type teller struct {
	told func(string)
	mu   sync.Mutex
	seen map[string]bool
}

func (l *teller) Begin(string) progress.Phase { return l }
func (l *teller) Note(f string, args ...any)  { l.Waiting("note: " + fmt.Sprintf(f, args...)) }
func (l *teller) End(error)                   {}
func (l *teller) Waiting(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	if !l.seen[s] {
		l.seen[s] = true
		l.told(s)
	}
}

// stand is what each test works with. It leaves nothing, also when it fails.
type stand struct {
	*testing.T
	p *Provider
	b *bundle.Bundle
	e *engine.Engine
}

func newStand(t *testing.T) stand {
	t.Helper()
	b, err := bundle.Open("")
	require.NoError(t, err, "these tests need a bundle: meshgate bundle")
	t.Cleanup(b.Close)
	p, err := New(e2eOptions(t.TempDir()))
	require.NoError(t, err)
	e, err := engine.Ensure(context.Background(), engine.Commands{}, engine.Auto, false, progress.Discard().Begin(""))
	require.NoError(t, err)
	s := stand{t, p, b, e}
	t.Cleanup(func() { require.NoError(t, p.Down(context.Background(), progress.Discard())) })
	return s
}

// nothingLeft looks with the engine's own eyes.
func (s stand) nothingLeft(volumes []string) {
	s.Helper()
	for _, args := range [][]string{{"ps", "--all", "--format", "{{.Names}}"}, {"network", "ls", "--format", "{{.Name}}"}} {
		out, err := s.e.Run(context.Background(), args...)
		require.NoError(s, err)
		assert.NotContains(s, string(out), s.p.o.Name, strings.Join(args, " "))
	}
	out, err := s.e.Run(context.Background(), "volume", "ls", "--quiet")
	require.NoError(s, err)
	for _, v := range volumes {
		assert.NotContains(s, string(out), v)
	}
	assert.NoDirExists(s, s.p.names.dir)
	left, err := s.p.Leftovers(context.Background())
	require.NoError(s, err)
	assert.Empty(s, left)
}

func (s stand) volumes() []string {
	nodes, err := listNodes(context.Background(), s.e, s.p.o.Name)
	if err != nil {
		return nil
	}
	var all []string
	for _, n := range nodes {
		all = append(all, n.volumes()...)
	}
	return all
}

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
	_, err := s.e.Run(ctx, "kill", s.p.o.Name+"-control-plane")
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

// TestAKilledCreationIsReplaced: nothing can clean up after SIGKILL, but the next
// run can.
func TestAKilledCreationIsReplaced(t *testing.T) {
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

// TestTwoAtOnce: the second waits for the first and takes what it made.
func TestTwoAtOnce(t *testing.T) {
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

// TestAForeignClusterIsRefused: a node of kind's that we did not make stays.
func TestAForeignClusterIsRefused(t *testing.T) {
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

//go:build e2e

package kind

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/progress"
	"meshgate/framework/wait"
)

// secondEngine is a Docker of the test's own beside the machine's, to be killed.
type secondEngine struct {
	t      *testing.T
	dir    string
	daemon *exec.Cmd
}

// newSecondEngine points DOCKER_HOST of this process at it.
func newSecondEngine(t *testing.T) *secondEngine {
	t.Helper()
	// A socket's path may have 107 bytes only.
	dir, err := os.MkdirTemp("", "engine")
	require.NoError(t, err)
	s := &secondEngine{t: t, dir: dir}
	t.Setenv("DOCKER_HOST", "unix://"+s.file("docker.sock"))
	t.Cleanup(s.end)
	// A bridge of its own: without one it would take away the machine's docker0.
	s.ip("link", "add", "name", bridge, "type", "bridge")
	s.ip("addr", "add", "10.213.0.1/24", "dev", bridge)
	s.start()
	return s
}

// bridge is the second engine's default network.
const bridge = "meshgate-test0"

func (s *secondEngine) ip(args ...string) {
	s.t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	require.NoError(s.t, err, string(out))
}

func (s *secondEngine) file(name string) string { return filepath.Join(s.dir, name) }

func (s *secondEngine) start() {
	s.t.Helper()
	log, err := os.OpenFile(s.file("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(s.t, err)
	defer log.Close()
	s.daemon = exec.Command("dockerd", "--host", "unix://"+s.file("docker.sock"), "--data-root", s.file("data"),
		"--exec-root", s.file("exec"), "--pidfile", s.file("pid"), "--bridge", bridge)
	s.daemon.Stdout, s.daemon.Stderr = log, log
	s.daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	require.NoError(s.t, s.daemon.Start())
	_, err = wait.Until(context.Background(), wait.Deadline{Name: "second engine answers", Within: time.Minute}, poll, func(ctx context.Context) error {
		_, err := engine.Detect(ctx, engine.Commands{}, engine.Docker)
		return err
	})
	require.NoError(s.t, err, s.file("log"))
}

// die ends the daemon as a crash would, and the containerd that it started.
func (s *secondEngine) die() {
	s.t.Helper()
	require.NoError(s.t, s.daemon.Process.Kill())
	require.Error(s.t, s.daemon.Wait())
	raw, err := os.ReadFile(s.file("exec/containerd/containerd.pid"))
	require.NoError(s.t, err)
	require.NoError(s.t, exec.Command("kill", "-KILL", strings.TrimSpace(string(raw))).Run())
}

// end stops it gently, so that it unmounts what it mounted, and removes its files.
func (s *secondEngine) end() {
	_ = s.daemon.Process.Signal(syscall.SIGTERM)
	_ = s.daemon.Wait()
	s.ip("link", "delete", bridge)
	mounts, err := os.ReadFile("/proc/self/mounts")
	assert.NoError(s.t, err)
	// What the daemon that was killed had mounted stays mounted, the latest last.
	for _, line := range slices.Backward(strings.Split(string(mounts), "\n")) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], s.dir+"/") {
			assert.NoError(s.t, syscall.Unmount(f[1], syscall.MNT_DETACH), f[1])
		}
	}
	assert.NoError(s.t, os.RemoveAll(s.dir))
}

// TestUpFailsWhenTheEngineDies: the failure is told at once and names what cannot
// be removed now; when the engine is back, the next run makes good.
func TestUpFailsWhenTheEngineDies(t *testing.T) {
	second := newSecondEngine(t)
	b, err := bundle.Open("")
	require.NoError(t, err)
	t.Cleanup(b.Close)
	o := e2eOptions(t.TempDir())
	o.Name, o.Engine = "meshgate-dying", engine.Docker
	p, err := New(o)
	require.NoError(t, err)
	died := false
	_, err = p.Up(context.Background(), b, &teller{told: func(m string) {
		if strings.HasPrefix(m, "kind: "+startingControlPlane) && !died {
			died = true
			second.die()
		}
	}})
	require.True(t, died)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "cleaning up after that failed too")
	assert.NotContains(t, err.Error(), "panic")
	_, err = p.Leftovers(context.Background())
	var unusable *engine.UnusableError
	require.ErrorAs(t, err, &unusable, "what is left cannot be known")
	assert.Equal(t, engine.Stopped, unusable.Cause())

	second.start()
	left, err := p.Leftovers(context.Background())
	require.NoError(t, err)
	assert.NotEmpty(t, left)
	c, err := p.Up(context.Background(), b, progress.Discard())
	require.NoError(t, err)
	assert.True(t, c.Created)
	require.NoError(t, p.Down(context.Background(), progress.Discard()))
	left, err = p.Leftovers(context.Background())
	require.NoError(t, err)
	assert.Empty(t, left)
}

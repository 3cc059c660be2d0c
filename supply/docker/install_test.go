package docker

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/machine"
)

func TestWithRuntime(t *testing.T) {
	for name, c := range map[string]struct {
		raw, want string
		changed   bool
	}{
		"no file": {"", `{"default-runtime":"meshgate","runtimes":{"meshgate":{"path":"/shim"}}}`, true},
		"what others set stays": {
			`{"mtu":1400,"default-runtime":"runc","runtimes":{"gvisor":{"path":"/runsc"}}}`,
			`{"mtu":1400,"default-runtime":"meshgate","runtimes":{"gvisor":{"path":"/runsc"},"meshgate":{"path":"/shim"}}}`, true,
		},
		"an old path of ours": {
			`{"default-runtime":"meshgate","runtimes":{"meshgate":{"path":"/old"}}}`,
			`{"default-runtime":"meshgate","runtimes":{"meshgate":{"path":"/shim"}}}`, true,
		},
		"all is there": {
			`{"default-runtime": "meshgate", "runtimes": {"meshgate": {"path": "/shim"}}}`,
			`{"default-runtime": "meshgate", "runtimes": {"meshgate": {"path": "/shim"}}}`, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, changed, err := WithRuntime([]byte(c.raw), "/shim")
			require.NoError(t, err)
			assert.Equal(t, c.changed, changed)
			assert.JSONEq(t, c.want, string(out))
		})
	}
}

func TestWithRuntimeRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for raw, says := range map[string]string{
		`{"default-runtime":"nvidia"}`: `got "nvidia"`,
		`{"runtimes":[]}`:              "want an object",
		`{"runtimes":{"meshgate":1}}`:  "want an object",
		`{`:                            "not JSON",
	} {
		_, _, err := WithRuntime([]byte(raw), "/shim")
		require.ErrorContains(t, err, says)
		assert.Contains(t, err.Error(), engine.DaemonConfig)
	}
}

// machineOf is a mechanic on a machine made of temporary files.
func machineOf(t *testing.T, run *scripted) (mechanic, *notes) {
	t.Helper()
	dir, log := t.TempDir(), &notes{}
	return mechanic{
		run: run, log: log,
		host: machine.Facts{Root: true, LastCapability: 40, Bounding: 0x1fffeffffff, Distribution: []string{"debian"}},
		paths: paths{
			daemonConfig: filepath.Join(dir, "docker", "daemon.json"), shim: filepath.Join(dir, "lib", "runc-shim"),
			pidFile: filepath.Join(dir, "docker.pid"), containerdSocket: filepath.Join(dir, "c.sock"),
			log: filepath.Join(dir, "log", "dockerd.log"), proc: filepath.Join(dir, "proc"),
		},
	}, log
}

func put(t *testing.T, file, content string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(content), mode))
}

func TestInstallWritesTheConfigurationBeforeThePackage(t *testing.T) {
	run := &scripted{t: t, answers: map[string]answer{"apt-get": {}}}
	m, _ := machineOf(t, run)
	put(t, m.paths.shim, "#!/bin/sh\n", 0o755)
	require.NoError(t, m.install(context.Background()))
	conf, err := os.ReadFile(m.paths.daemonConfig)
	require.NoError(t, err)
	assert.Contains(t, string(conf), m.paths.shim)
	require.Len(t, run.calls, 2)
	assert.Contains(t, run.calls[0], "apt-get update")
	assert.Contains(t, run.calls[1], "--no-install-recommends docker.io")
}

func TestInstallLeavesAConfigurationAloneWhereNothingIsLacking(t *testing.T) {
	run := &scripted{t: t, answers: map[string]answer{"apt-get": {}}}
	m, _ := machineOf(t, run)
	m.host.Bounding = 0x1ffffffffff
	require.NoError(t, m.install(context.Background()))
	assert.NoFileExists(t, m.paths.daemonConfig)
}

func TestInstallThatFailsNamesTheCommand(t *testing.T) {
	run := &scripted{t: t, answers: map[string]answer{"apt-get update": {}, "apt-get install": {err: exit("E: Unable to locate package docker.io")}}}
	m, _ := machineOf(t, run)
	m.host.Bounding = 0x1ffffffffff
	err := m.install(context.Background())
	require.ErrorContains(t, err, "Unable to locate package")
	require.ErrorContains(t, err, engine.InstallCommand)
}

func TestEnsureDoesNotInstallUnasked(t *testing.T) {
	run := &scripted{t: t}
	m, _ := machineOf(t, run)
	err := m.ensure(context.Background(), engine.Auto, false)
	require.ErrorContains(t, err, engine.InstallCommand)
	assert.Empty(t, run.calls)
	m.host.Distribution = []string{"fedora"}
	require.Error(t, m.ensure(context.Background(), engine.Auto, true), "packages of another distribution")
	assert.Empty(t, run.calls)
}

func TestEnsureDoesNotTouchAnEngineThatRefusesUs(t *testing.T) {
	run := &scripted{t: t, found: map[string][]string{"docker": {"/d/docker"}, "dockerd": {"/no/dockerd"}}, answers: map[string]answer{
		"/d/docker info": {err: exit("permission denied")},
	}}
	m, _ := machineOf(t, run)
	require.ErrorContains(t, m.ensure(context.Background(), engine.Auto, true), "permission denied")
	assert.NoFileExists(t, m.paths.daemonConfig)
}

func TestEnsureWithSystemd(t *testing.T) {
	run := &scripted{t: t, found: map[string][]string{"dockerd": {"/usr/sbin/dockerd"}}, answers: map[string]answer{"systemctl start docker": {err: exit("Unit docker.service not found.")}}}
	m, _ := machineOf(t, run)
	m.host.Systemd, m.host.Bounding = true, 0x1ffffffffff
	require.ErrorContains(t, m.ensure(context.Background(), engine.Docker, false), "journalctl -u docker")
}

func TestADaemonThatEndsAtOnceIsToldWithItsLastWords(t *testing.T) {
	m, log := machineOf(t, &scripted{t: t})
	m.host.Bounding = 0x1ffffffffff
	program := filepath.Join(t.TempDir(), "dockerd")
	put(t, program, "#!/bin/sh\necho no room left >&2\nexit 4\n", 0o755)
	m.run.(*scripted).found = map[string][]string{"dockerd": {program}}
	err := m.start(context.Background())
	require.ErrorContains(t, err, "no room left")
	require.ErrorContains(t, err, "exit status 4")
	assert.NotEmpty(t, log.said)
}

func TestStaleFilesOfAKilledEngineGo(t *testing.T) {
	m, log := machineOf(t, &scripted{t: t})
	put(t, m.paths.pidFile, "4711\n", 0o644)
	put(t, filepath.Join(m.paths.proc, "4711", "comm"), "bash\n", 0o644) // the number was given to another
	l, err := net.Listen("unix", m.paths.containerdSocket)
	require.NoError(t, err)
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	require.NoError(t, m.clearStale())
	assert.NoFileExists(t, m.paths.pidFile)
	assert.NoFileExists(t, m.paths.containerdSocket)
	assert.Len(t, log.said, 2, "each removal is told")
	require.NoError(t, m.clearStale(), "nothing to clear is fine")
}

func TestAServedContainerdSocketStays(t *testing.T) {
	m, _ := machineOf(t, &scripted{t: t})
	l, err := net.Listen("unix", m.paths.containerdSocket)
	require.NoError(t, err)
	defer l.Close()
	require.NoError(t, m.clearStale())
	assert.FileExists(t, m.paths.containerdSocket)
}

func TestARunningDaemonThatDoesNotAnswerIsLeftAlone(t *testing.T) {
	m, _ := machineOf(t, &scripted{t: t})
	put(t, m.paths.pidFile, "4711", 0o644)
	put(t, filepath.Join(m.paths.proc, "4711", "comm"), "dockerd\n", 0o644)
	require.ErrorContains(t, m.clearStale(), "process 4711")
	assert.FileExists(t, m.paths.pidFile)
}

func TestPlaceShimBuildsItFromTheCheckout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "runc-shim")
	run := &scripted{t: t, answers: map[string]answer{"go build": {}}}
	require.NoError(t, placeShim(context.Background(), run, path))
	require.Len(t, run.calls, 1)
	assert.True(t, strings.HasSuffix(run.calls[0], path+" ./cmd/runc-shim"), run.calls[0])
	put(t, path, "x", 0o755)
	require.NoError(t, placeShim(context.Background(), &scripted{t: t}, path), "it is there")
}

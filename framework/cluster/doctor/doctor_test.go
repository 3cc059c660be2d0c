package doctor

import (
	"context"
	"errors"
	"fmt"
	"meshgate/framework/progress"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/machine"
)

func good() machine.Facts {
	return machine.Facts{
		CPUs: 2, MemoryTotal: 24 * gib, MemoryAvailable: 22 * gib, LastCapability: 40, Bounding: 0x1ffffffffff,
		CgroupVersion: 2, InotifyInstances: 128, InotifyWatches: 192536, Filesystems: []string{"overlay"},
	}
}

func TestCheckPassesOnASufficientMachine(t *testing.T) {
	assert.Empty(t, Failed(checkHost(good(), Warm())))
}

func TestFindingsHaveNumbersAndTheFixCommand(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*machine.Facts)
		says  []string
	}{
		"memory":  {func(h *machine.Facts) { h.MemoryAvailable = 3 << 29 }, []string{"at least 5.0 GiB", "1.5 GiB available of 24.0 GiB"}},
		"cpus":    {func(h *machine.Facts) { h.CPUs = 1 }, []string{"at least 2, got 1", "--slow"}},
		"inotify": {func(h *machine.Facts) { h.InotifyInstances = 8 }, []string{"at least 128, got 8", "sudo sysctl -w fs.inotify.max_user_instances=512"}},
		"watches": {func(h *machine.Facts) { h.InotifyWatches = 8192 }, []string{"at least 65536, got 8192", "fs.inotify.max_user_watches=65536"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := good()
			c.spoil(&h)
			failed := Failed(checkHost(h, Warm()))
			require.Len(t, failed, 1)
			for _, s := range c.says {
				assert.Contains(t, failed[0].String(), s)
			}
		})
	}
}

func TestMissingCapabilityFailsOnlyForAnOldEngine(t *testing.T) {
	h := good()
	h.Bounding &^= 1 << machine.SysResource
	old := &engine.Engine{Kind: engine.Docker, Version: "20.10.24", DefaultRuntime: "runc"}
	f := checkCapabilities(old, h)
	assert.False(t, f.OK)
	assert.Contains(t, f.String(), "CAP_SYS_RESOURCE")
	assert.Contains(t, f.Fix, engine.DaemonConfig)
	old.DefaultRuntime = engine.RuntimeName
	assert.True(t, checkCapabilities(old, h).OK)
	assert.True(t, checkCapabilities(nil, h).OK, "without an engine there is nothing to say yet")
	h.Bounding &^= 1 << 3
	assert.Contains(t, checkCapabilities(nil, h).Saw, "capability 3")
}

func TestEngineFindings(t *testing.T) {
	f := checkEngine(&engine.Engine{Kind: engine.Docker, Version: "28", Binary: "/usr/bin/docker"}, nil, good())
	assert.True(t, f.OK)
	assert.Contains(t, f.Saw, "docker 28")
	_, err := engine.Detect(context.Background(), nothing{}, engine.Auto)
	h := good()
	h.Root, h.Distribution = true, []string{"debian"}
	f = checkEngine(nil, err, h)
	assert.False(t, f.OK)
	assert.Contains(t, f.Fix, engine.InstallCommand)
	assert.Contains(t, f.Note, "make conformance")
	f = checkEngine(nil, errors.New("odd"), good())
	assert.False(t, f.OK)
	assert.Contains(t, f.Saw, "odd")
}

type nothing struct{ engine.Commands }

func (nothing) Find(string) []string { return nil }

func TestCgroupsV1IsNoFailure(t *testing.T) {
	f := checkCgroups(&engine.Engine{CgroupVersion: 1}, good())
	assert.True(t, f.OK)
	assert.Contains(t, f.Note, "failCgroupV1")
	assert.Empty(t, checkCgroups(nil, good()).Note)
}

func TestDisks(t *testing.T) {
	dir := t.TempDir()
	findings, err := checkDisks(dir, dir, Needs{CacheDisk: 1, EngineDisk: 1})
	require.NoError(t, err)
	require.Len(t, findings, 1, "one file system must hold both")
	assert.True(t, findings[0].OK)
	findings, err = checkDisks(dir, "/proc", Needs{CacheDisk: 1, EngineDisk: 1 << 62})
	require.NoError(t, err)
	require.Len(t, findings, 2)
	assert.False(t, findings[1].OK)
	assert.Contains(t, findings[1].String(), "free at /proc")
}

func TestPreflightErrorListsAllShortages(t *testing.T) {
	h := good()
	require.NoError(t, Preflight(h, nil, t.TempDir(), Needs{Memory: gib}))
	err := Preflight(h, &engine.Engine{Root: t.TempDir()}, t.TempDir(), Needs{Memory: 1 << 60, CacheDisk: 1 << 61, EngineDisk: 1 << 61})
	require.ErrorContains(t, err, "memory: want")
	require.ErrorContains(t, err, "disk for cache and engine: want")
}

func TestCheckThisMachine(t *testing.T) {
	findings, err := Check(context.Background(), Options{CacheDir: t.TempDir(), Needs: Warm(), Runner: nothing{}})
	require.NoError(t, err)
	names := map[string]bool{}
	for _, f := range findings {
		names[f.Name] = true
		assert.NotEmpty(t, f.Saw, f.Name)
		assert.Equal(t, f.OK, f.Fix == "", f.Name)
	}
	assert.True(t, names["container engine"] && names["memory"] && names["capabilities"])
}

func TestCheckEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	_, err := Check(ctx, Options{CacheDir: t.TempDir(), Runner: oneEngine{}})
	require.ErrorIs(t, err, context.Canceled)
}

type oneEngine struct{ engine.Commands }

func (oneEngine) Find(string) []string { return []string{"/no/such/engine"} }

func TestRaiseLimitsWithoutRootOnlyReports(t *testing.T) {
	h, log := good(), &notes{}
	require.NoError(t, RaiseLimits(h, 1, log))
	assert.Empty(t, log.said, "one node fits the kernel's default")
	require.NoError(t, RaiseLimits(h, 2, log))
	require.Len(t, log.said, 1)
	assert.Contains(t, log.said[0], "sudo sysctl -w fs.inotify.max_user_instances=512")
}

type notes struct{ said []string }

func (n *notes) Waiting(string)      {}
func (n *notes) Show(progress.State) {}
func (n *notes) End(error)           {}
func (n *notes) Note(format string, args ...any) {
	n.said = append(n.said, fmt.Sprintf(format, args...))
}

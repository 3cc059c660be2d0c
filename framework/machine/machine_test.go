package machine

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func machine(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

func debianVM() map[string]string {
	return map[string]string{
		"etc/os-release":                           "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n",
		"proc/self/status":                         "Name:\tx\nCapEff:\t000001fffeffffff\nCapBnd:\t000001fffeffffff\n",
		"proc/sys/kernel/cap_last_cap":             "40\n",
		"proc/meminfo":                             "MemTotal:       24686208 kB\nMemFree:          100 kB\nMemAvailable:   23068672 kB\n",
		"proc/sys/fs/inotify/max_user_instances":   "128\n",
		"proc/sys/fs/inotify/max_user_watches":     "192536\n",
		"proc/filesystems":                         "nodev\tsysfs\nnodev\toverlay\n\text4\n",
		"sys/fs/cgroup/cpu/tasks":                  "",
		"sys/fs/cgroup/unified/cgroup.controllers": "",
	}
}

func TestReadAVirtualMachineWithoutSysResource(t *testing.T) {
	f, err := Read(machine(debianVM()))
	require.NoError(t, err)
	assert.Equal(t, []int{SysResource}, f.Missing())
	assert.False(t, f.Can(SysResource))
	assert.Equal(t, 1, f.CgroupVersion, "a unified hierarchy beside the old ones is version 1")
	assert.True(t, f.Debian())
	assert.False(t, f.Systemd)
	assert.Equal(t, int64(22<<30), f.MemoryAvailable)
	assert.Equal(t, int64(128), f.InotifyInstances)
	assert.Equal(t, int64(192536), f.InotifyWatches)
	assert.True(t, f.Filesystem("overlay"))
	assert.False(t, f.Filesystem("btrfs"))
}

func TestReadAModernDistribution(t *testing.T) {
	files := debianVM()
	files["etc/os-release"] = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"
	files["sys/fs/cgroup/cgroup.controllers"] = "cpu memory\n"
	files["run/systemd/system/x"] = ""
	files["proc/self/status"] = "CapBnd:\t000001ffffffffff\n"
	f, err := Read(machine(files))
	require.NoError(t, err)
	assert.Equal(t, 2, f.CgroupVersion)
	assert.True(t, f.Debian())
	assert.True(t, f.Systemd)
	assert.Empty(t, f.Missing())
}

func TestAnotherDistributionIsNotDebian(t *testing.T) {
	files := debianVM()
	files["etc/os-release"] = "ID=\"fedora\"\n"
	f, err := Read(machine(files))
	require.NoError(t, err)
	assert.Equal(t, []string{"fedora"}, f.Distribution)
	assert.False(t, f.Debian())
}

func TestReadSaysWhatItCannotRead(t *testing.T) {
	for file, want := range map[string]string{
		"proc/self/status": "CapBnd",
		"proc/meminfo":     "MemTotal",
	} {
		files := debianVM()
		delete(files, file)
		_, err := Read(machine(files))
		require.Error(t, err)
		assert.Contains(t, err.Error(), want)
	}
	files := debianVM()
	files["proc/meminfo"] = "MemTotal: many kB\nMemAvailable: 1 kB\n"
	_, err := Read(machine(files))
	require.ErrorContains(t, err, `got "many"`)
}

func TestInspectThisMachine(t *testing.T) {
	f, err := Inspect()
	require.NoError(t, err)
	assert.Positive(t, f.CPUs)
	assert.Positive(t, f.MemoryTotal)
}

func TestDiskOfAFolderThatIsNotThereYet(t *testing.T) {
	dir := t.TempDir()
	d, err := DiskAt(filepath.Join(dir, "a", "b"))
	require.NoError(t, err)
	assert.Equal(t, dir, d.Path)
	assert.Positive(t, d.Free)
	same, err := DiskAt(dir)
	require.NoError(t, err)
	assert.Equal(t, d.Device, same.Device)
}

func TestRaiseInotify(t *testing.T) {
	root := t.TempDir()
	require.ErrorIs(t, RaiseInotify(root, 512), fs.ErrNotExist)
	file := filepath.Join(root, instancesFile)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, RaiseInotify(root, 512))
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "512\n", string(raw))
	assert.Equal(t, int64(128), InotifyWanted(1), "the kernel's default serves one node")
}

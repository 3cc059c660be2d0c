// Package machine reads what this machine can give to a cluster: capabilities,
// control groups, memory, limits of the kernel. It changes nothing.
package machine

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// SysResource is CAP_SYS_RESOURCE's bit in a capability set
// (include/uapi/linux/capability.h). Without it no process may lower an OOM
// score or raise a hard limit.
const SysResource = 24

// Facts is what was found on this machine.
type Facts struct {
	// Distribution holds the ids of /etc/os-release: its own and those it is like.
	Distribution []string
	// Root says that we run as root.
	Root bool
	// Systemd says that systemd runs this machine's services.
	Systemd bool
	// Bounding is our capability bounding set, one bit a capability.
	Bounding uint64
	// LastCapability is the number of the kernel's last capability.
	LastCapability int
	// CgroupVersion is 1 or 2.
	CgroupVersion int
	// CPUs is the number of processors.
	CPUs int
	// MemoryTotal and MemoryAvailable are in bytes.
	MemoryTotal, MemoryAvailable int64
	// InotifyInstances and InotifyWatches are the kernel's limits per user.
	InotifyInstances, InotifyWatches int64
	// Filesystems are those that the kernel knows at this moment.
	Filesystems []string
}

// Inspect reads the facts of this machine.
func Inspect() (Facts, error) {
	f, err := Read(os.DirFS("/"))
	f.Root = os.Geteuid() == 0
	f.CPUs = runtime.NumCPU()
	return f, err
}

// Read takes the facts from a file system that looks like this machine's root.
// What is missing there is left zero; only an unreadable capability set or
// memory is an error, because decisions hang on them.
func Read(root fs.FS) (Facts, error) {
	f := Facts{
		Distribution:     distribution(text(root, "etc/os-release")),
		Systemd:          exists(root, "run/systemd/system"),
		LastCapability:   int(number(root, "proc/sys/kernel/cap_last_cap")),
		CgroupVersion:    cgroupVersion(root),
		InotifyInstances: number(root, instancesFile),
		InotifyWatches:   number(root, "proc/sys/fs/inotify/max_user_watches"),
		Filesystems:      filesystems(text(root, "proc/filesystems")),
	}
	bounding := field(text(root, "proc/self/status"), "CapBnd:")
	set, err := strconv.ParseUint(bounding, 16, 64)
	if err != nil {
		return f, fmt.Errorf("capability bounding set of this process: CapBnd in /proc/self/status: want hexadecimal, got %q", bounding)
	}
	f.Bounding = set
	f.MemoryTotal, f.MemoryAvailable, err = memory(text(root, "proc/meminfo"))
	return f, err
}

// Can says whether the bounding set holds a capability, given by its bit.
func (f Facts) Can(bit int) bool { return f.Bounding&(1<<bit) != 0 }

// Missing lists the bits of the capabilities that this kernel knows and that we
// are not allowed.
func (f Facts) Missing() []int {
	var bits []int
	for bit := 0; bit <= f.LastCapability; bit++ {
		if !f.Can(bit) {
			bits = append(bits, bit)
		}
	}
	return bits
}

// Debian says that packages come by apt-get: Debian, Ubuntu and their kin.
func (f Facts) Debian() bool {
	return slices.Contains(f.Distribution, "debian") || slices.Contains(f.Distribution, "ubuntu")
}

// Filesystem says whether the kernel can mount a type of file system now. One
// that is a module not yet loaded is not listed.
func (f Facts) Filesystem(name string) bool { return slices.Contains(f.Filesystems, name) }

func distribution(release string) []string {
	var ids []string
	for _, key := range []string{"ID=", "ID_LIKE="} {
		ids = append(ids, strings.Fields(strings.Trim(field(release, key), `"'`))...)
	}
	return ids
}

// cgroupVersion is 2 only where the unified hierarchy holds the controllers; a
// machine that mounts it beside the old ones ("hybrid") is version 1.
func cgroupVersion(root fs.FS) int {
	if exists(root, "sys/fs/cgroup/cgroup.controllers") {
		return 2
	}
	return 1
}

func filesystems(list string) []string {
	var names []string
	for line := range strings.Lines(list) {
		if words := strings.Fields(line); len(words) > 0 {
			names = append(names, words[len(words)-1])
		}
	}
	return names
}

// MemoryAvailable is what of this machine's memory is free at this moment, in bytes.
func MemoryAvailable() (int64, error) {
	_, available, err := memory(text(os.DirFS("/"), "proc/meminfo"))
	return available, err
}

func memory(meminfo string) (total, available int64, err error) {
	values := [2]int64{}
	for i, key := range []string{"MemTotal:", "MemAvailable:"} {
		words := strings.Fields(field(meminfo, key))
		if len(words) == 0 {
			return 0, 0, fmt.Errorf("memory of this machine: /proc/meminfo has no %s line", key)
		}
		kib, err := strconv.ParseInt(words[0], 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("memory of this machine: %s in /proc/meminfo: want a number, got %q", key, words[0])
		}
		values[i] = kib << 10
	}
	return values[0], values[1], nil
}

// field returns the rest of the first line that begins with key.
func field(content, key string) string {
	for line := range strings.Lines(content) {
		if v, ok := strings.CutPrefix(line, key); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func text(root fs.FS, name string) string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return string(b)
}

func number(root fs.FS, name string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text(root, name)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func exists(root fs.FS, name string) bool {
	_, err := fs.Stat(root, name)
	return err == nil
}

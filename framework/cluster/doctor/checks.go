package doctor

import (
	"errors"
	"fmt"
	"strings"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/machine"
)

func checkEngine(e *engine.Engine, err error, h machine.Facts) Finding {
	f := Finding{Name: "container engine", Want: "Docker, Podman or nerdctl that answers this user"}
	if err == nil {
		f.OK, f.Saw = true, e.String()
		if engine.StartedByUs() {
			f.Note = "its daemon was started by meshgate and stays running, idle between runs; end it with `" + engine.StopCommand + "`"
		}
		return f
	}
	f.Saw = err.Error()
	var unusable *engine.UnusableError
	if errors.As(err, &unusable) {
		f.Saw, f.Fix = unusable.Short(), unusable.Remedy()
	}
	if h.Root && h.Debian() && unusable != nil && unusable.Cause() == engine.Absent {
		f.Note = "`make conformance` installs and starts one on this machine"
	}
	return f
}

// checkCgroups is always OK: kind clusters are adapted to version 1.
func checkCgroups(e *engine.Engine, h machine.Facts) Finding {
	version := h.CgroupVersion
	if e != nil {
		version = e.CgroupVersion
	}
	f := Finding{Name: "control groups", OK: true, Saw: fmt.Sprintf("version %d", version)}
	if version == 1 {
		f.Note = "the kubelet will run with failCgroupV1=false"
	}
	return f
}

func checkCapabilities(e *engine.Engine, h machine.Facts) Finding {
	missing := h.Missing()
	f := Finding{Name: "capabilities", OK: true, Saw: "all that the kernel knows"}
	if len(missing) == 0 {
		return f
	}
	f.Saw = fmt.Sprintf("the bounding set lacks %s", numbers(missing))
	f.Note = "containerd in the nodes will not lower OOM scores"
	if e != nil && e.NeedsShim(h) {
		f.OK, f.Want = false, "an engine that does not ask for them, or the runtime shim in front of runc"
		f.Fix = "run `meshgate doctor --fix` as root: it adds the shim to " + engine.DaemonConfig
	}
	return f
}

func numbers(bits []int) string {
	words := make([]string, 0, len(bits))
	for _, b := range bits {
		name := fmt.Sprintf("capability %d", b)
		if b == machine.SysResource {
			name = "CAP_SYS_RESOURCE"
		}
		words = append(words, name)
	}
	return strings.Join(words, ", ")
}

// checkHost are the checks that need no engine.
func checkHost(h machine.Facts, n Needs) []Finding {
	return []Finding{
		checkCPUs(h.CPUs),
		checkMemory(h, n.Memory),
		checkLimit("inotify instances", "fs.inotify.max_user_instances", h.InotifyInstances, machine.InotifyWanted(max(n.Nodes, 1))),
		checkLimit("inotify watches", "fs.inotify.max_user_watches", h.InotifyWatches, machine.InotifyWatchesWanted),
		checkOverlay(h),
	}
}

// minCPUs is the number of CPUs for which the budgets of a run were measured.
const minCPUs = 2

func checkCPUs(n int) Finding {
	f := Finding{Name: "processors", OK: n >= minCPUs, Saw: fmt.Sprint(n), Want: fmt.Sprintf("at least %d", minCPUs)}
	if !f.OK {
		f.Fix = "give the machine more, and the run more time with --slow 2"
	}
	return f
}

func checkMemory(h machine.Facts, want int64) Finding {
	f := Finding{
		Name: "memory", OK: h.MemoryAvailable >= want,
		Saw: size(h.MemoryAvailable) + " available of " + size(h.MemoryTotal), Want: "at least " + size(want) + " available",
	}
	if !f.OK {
		f.Fix = "end what uses it, or give the machine more"
	}
	return f
}

func checkLimit(name, key string, got, want int64) Finding {
	f := Finding{Name: name, OK: got >= want, Saw: fmt.Sprint(got), Want: fmt.Sprintf("at least %d", want)}
	if !f.OK {
		f.Fix = fmt.Sprintf("sudo sysctl -w %s=%d", key, max(want, machine.InotifyRecommended))
	}
	return f
}

// checkOverlay checks for overlayfs, which containers need. The engine loads the module if it
// is not loaded yet.
func checkOverlay(h machine.Facts) Finding {
	f := Finding{Name: "overlay file system", OK: true, Saw: "known to the kernel"}
	if !h.Filesystem("overlay") {
		f.Saw, f.Note = "not loaded yet", "the engine loads the module; if it cannot: `sudo modprobe overlay`"
	}
	return f
}

func size(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/gib) }

package doctor

import (
	"meshgate/framework/machine"
	"meshgate/framework/progress"
)

// RaiseLimits raises the limit of inotify instances where it is too low for a
// cluster of so many nodes and we are root; otherwise it only tells.
func RaiseLimits(h machine.Facts, nodes int, log progress.Phase) error {
	want := machine.InotifyWanted(max(nodes, 1))
	if h.InotifyInstances >= want {
		return nil
	}
	to := max(want, machine.InotifyRecommended)
	if !h.Root {
		log.Note("fs.inotify.max_user_instances is %d, and %d nodes may take %d; if pods fail with \"too many open files\": sudo sysctl -w fs.inotify.max_user_instances=%d", h.InotifyInstances, nodes, want, to)
		return nil
	}
	log.Note("raising fs.inotify.max_user_instances from %d to %d until the next start of this machine", h.InotifyInstances, to)
	return machine.RaiseInotify("/", to)
}

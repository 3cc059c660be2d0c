package doctor

import (
	"context"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/machine"
	"meshgate/framework/progress"
)

// Fix repairs what root can repair: it installs and starts a container engine, configures the
// runtime shim if the host lacks a capability, and raises the kernel's limit of inotify
// instances. It notes each change in log. Without root, the error has the command for the
// first shortage.
func Fix(ctx context.Context, o Options, log progress.Phase) error {
	if o.Runner == nil {
		o.Runner = engine.Commands{}
	}
	if _, err := engine.Ensure(ctx, o.Runner, o.Engine, true, log); err != nil {
		return err
	}
	h, err := machine.Inspect()
	if err != nil {
		return err
	}
	return RaiseLimits(h, o.Needs.Nodes, log)
}

// RaiseLimits raises the limit of inotify instances if it is too low for a cluster of so many
// nodes and the user is root; otherwise it only reports.
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

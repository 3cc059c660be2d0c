package doctor

import (
	"context"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/cluster/host"
	"meshgate/framework/progress"
)

// Fix mends what can be mended as root: it installs and starts a container
// engine, puts the runtime shim under it where the host lacks a capability, and
// raises the kernel's limit of inotify instances. Each change is told to log.
// Without root the error carries the command for the first thing that is wrong.
func Fix(ctx context.Context, o Options, log progress.Phase) error {
	if o.Runner == nil {
		o.Runner = engine.Commands{}
	}
	if _, err := engine.Ensure(ctx, o.Runner, o.Engine, true, log); err != nil {
		return err
	}
	h, err := host.Inspect()
	if err != nil {
		return err
	}
	return RaiseLimits(h, o.Needs.Nodes, log)
}

// RaiseLimits raises the limit of inotify instances where it is too low for a
// cluster of so many nodes and we are root; otherwise it only tells.
func RaiseLimits(h host.Facts, nodes int, log progress.Phase) error {
	want := host.InotifyWanted(max(nodes, 1))
	if h.InotifyInstances >= want {
		return nil
	}
	to := max(want, host.InotifyRecommended)
	if !h.Root {
		log.Note("fs.inotify.max_user_instances is %d, and %d nodes may take %d; if pods fail with \"too many open files\": sudo sysctl -w fs.inotify.max_user_instances=%d", h.InotifyInstances, nodes, want, to)
		return nil
	}
	log.Note("raising fs.inotify.max_user_instances from %d to %d until the next start of this machine", h.InotifyInstances, to)
	return host.RaiseInotify("/", to)
}

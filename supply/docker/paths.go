package docker

import "meshgate/framework/cluster/engine"

const (
	// ShimPath is where the runtime shim is installed.
	ShimPath = "/usr/local/lib/meshgate/runc-shim"

	// setupLock keeps two processes from installing at the same time.
	setupLock = "/run/meshgate-engine.lock"
)

// paths are the files of the machine; tests have their own.
type paths struct {
	daemonConfig, shim, pidFile, containerdSocket, log, proc string
}

func systemPaths() paths {
	return paths{
		daemonConfig: engine.DaemonConfig, shim: ShimPath, pidFile: engine.PIDFile,
		containerdSocket: "/run/containerd/containerd.sock", log: engine.DaemonLog, proc: engine.Processes,
	}
}

package engine

import (
	"strconv"
	"strings"

	"meshgate/framework/machine"
)

const (
	// DaemonConfig is where Docker's daemon reads its configuration.
	DaemonConfig = "/etc/docker/daemon.json"
	// RuntimeName is the name of meshgate's runtime shim among the daemon's runtimes.
	RuntimeName = "meshgate"
)

// NeedsShim says that this engine would fail to start a privileged container
// here: Docker before 23 asks for every capability it knows, not for those that
// the host can give.
func (e *Engine) NeedsShim(h machine.Facts) bool {
	return e.Kind == Docker && len(h.Missing()) > 0 && e.DefaultRuntime != RuntimeName && major(e.Version) < 23
}

// major is 0 for a version that does not begin with a number.
func major(version string) int {
	first, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

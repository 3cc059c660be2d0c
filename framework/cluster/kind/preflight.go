package kind

import (
	"fmt"

	"meshgate/framework/cluster/doctor"
)

// preflight looks at disk and memory before anything is made, because a node
// that runs out of either half-way says so in a hundred confusing ways.
func (w work) preflight() error {
	if err := doctor.Preflight(w.host, w.engine, w.bundle.Dir(), doctor.Warm()); err != nil {
		return fmt.Errorf("cluster %s is not made: %w", w.names.cluster, err)
	}
	return doctor.RaiseLimits(w.host, w.o.Nodes, w.phase)
}

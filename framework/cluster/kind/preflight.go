package kind

import (
	"fmt"

	"meshgate/framework/cluster/doctor"
)

// preflight checks disk and memory before anything is created, because a node that runs out
// of either fails with confusing errors.
func (w work) preflight() error {
	if err := doctor.Preflight(w.host, w.engine, w.bundle.Dir(), doctor.Warm()); err != nil {
		return fmt.Errorf("cluster %s is not created: %w", w.names.cluster, err)
	}
	return doctor.RaiseLimits(w.host, w.o.Nodes, w.phase)
}

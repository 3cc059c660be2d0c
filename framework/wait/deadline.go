package wait

import (
	"fmt"
	"time"
)

// Deadline is a limit that says what it limits.
type Deadline struct {
	// Name is what is waited for, such as "gateway basic programmed".
	Name string
	// Within is how long it may take.
	Within time.Duration
	// Looks are made at the least, however long each takes, before it has taken too long:
	// what was looked at once in all that time, by a machine that had no time, says little.
	// Where this process was kept waiting for a processor more than is usual, the deadline
	// is stretched by as much. Both by four times at the most. 0 and 1 grant nothing.
	Looks int
}

// patience bounds by how much looks that take long may exceed a deadline.
const patience = 4

// hard is the limit that nothing exceeds.
func (d Deadline) hard() time.Duration {
	if d.Looks > 1 {
		return patience * d.Within
	}
	return d.Within
}

func (d Deadline) String() string { return fmt.Sprintf("%s within %s", d.Name, d.Within) }

// Budget holds every limit of a run, by meaning and not by place. Suites hold no
// literals: they name one of these.
type Budget struct {
	Programmed time.Duration // configuration applied → every proxy concerned has it
	Converged  time.Duration // proxies have it → the effect is seen from outside
	Settled    time.Duration // the window over which what must stay true is sampled
	Ready      time.Duration // a workload is created → all its replicas are available
	Image      time.Duration // one image is put into every node
	ClusterUp  time.Duration // a cluster is asked for → its nodes are ready
	MeshUp     time.Duration // a mesh is asked for → its gateways answer
	Deletion   time.Duration // deletion is asked for → the object is gone
	Probe      time.Duration // one request, from dialling to the last byte
	LogFlush   time.Duration // a request ended → its line is in the proxy's log
}

// DefaultBudget returns limits that leave a two-core machine about five times
// what it was measured to need. Envoy writes its log once a second, so LogFlush
// may not go below that.
func DefaultBudget() Budget {
	return Budget{
		Programmed: 30 * time.Second,
		Converged:  15 * time.Second,
		Settled:    3 * time.Second,
		Ready:      2 * time.Minute,
		Image:      2 * time.Minute,
		ClusterUp:  5 * time.Minute,
		MeshUp:     5 * time.Minute,
		Deletion:   time.Minute,
		Probe:      5 * time.Second,
		LogFlush:   5 * time.Second,
	}
}

// Scale returns the budget with every limit multiplied by f, for slower or
// faster clusters.
func (b Budget) Scale(f float64) Budget {
	scaled := func(d time.Duration) time.Duration { return time.Duration(float64(d) * f) }
	return Budget{
		Programmed: scaled(b.Programmed),
		Converged:  scaled(b.Converged),
		Settled:    scaled(b.Settled),
		Ready:      scaled(b.Ready),
		Image:      scaled(b.Image),
		ClusterUp:  scaled(b.ClusterUp),
		MeshUp:     scaled(b.MeshUp),
		Deletion:   scaled(b.Deletion),
		Probe:      scaled(b.Probe),
		LogFlush:   scaled(b.LogFlush),
	}
}

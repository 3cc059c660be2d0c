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
	// MinAttempts is how many attempts are made before the wait may expire, however
	// long each takes: on a busy machine one slow attempt proves little. With 2 or
	// more the limit is also extended in proportion to the CPU pressure on this
	// process. Both extend the wait to four times Within at most; 0 and 1 extend nothing.
	MinAttempts int
}

// maxExtension is the factor by which slow attempts or CPU pressure may extend a deadline.
const maxExtension = 4

// hard is the limit after which the wait ends in any case.
func (d Deadline) hard() time.Duration {
	if d.MinAttempts > 1 {
		return maxExtension * d.Within
	}
	return d.Within
}

func (d Deadline) String() string { return fmt.Sprintf("%s within %s", d.Name, d.Within) }

// Budget holds every limit of a run, named after its meaning and not after the place
// that uses it. Suites contain no literal durations: they name one of these.
type Budget struct {
	Programmed time.Duration // configuration applied → every proxy concerned has it
	Converged  time.Duration // proxies have it → the effect is seen from outside
	Settled    time.Duration // the window over which a condition that must stay true is sampled
	Ready      time.Duration // a workload is created → all its replicas are available
	Image      time.Duration // loading of one image begins → every node has it
	ClusterUp  time.Duration // creation of a cluster begins → its nodes are ready
	MeshUp     time.Duration // installation of a mesh begins → its gateways answer
	Deletion   time.Duration // an object is deleted → it is gone from the API server
	Probe      time.Duration // one request, from dialling to the last byte
	LogFlush   time.Duration // a request ended → its line is in the proxy's log
}

// DefaultBudget returns limits of about five times the durations measured on a
// machine with two cores. Envoy flushes its access log once a second, so LogFlush
// must be longer than that.
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

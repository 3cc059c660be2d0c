package wait

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// usualStrain is what budgets allow for: threads that wait for a processor three times as
// long as they run, as while suites run side by side on two processors.
const usualStrain = 4

// effort is what a thread has had of the processors, and how long it was kept waiting for
// one although it had work.
type effort struct{ ran, waited time.Duration }

// efforts are those of this process, by thread; none where the system does not tell.
func efforts() map[string]effort {
	files, _ := filepath.Glob("/proc/self/task/*/schedstat")
	all := make(map[string]effort, len(files))
	for _, f := range files {
		text, err := os.ReadFile(f)
		var e effort
		if err == nil {
			_, err = fmt.Sscan(string(text), &e.ran, &e.waited) // in nanoseconds
		}
		if err == nil {
			all[f] = e
		}
	}
	return all
}

// strain is how many times longer than on a machine of its own this process took for what
// it did between two looks at its efforts. Where it had next to nothing to do that cannot
// be told, and is 1.
func strain(before, now map[string]effort, elapsed time.Duration) float64 {
	var ran, waited time.Duration
	for thread, e := range now {
		ran += e.ran - before[thread].ran
		waited += e.waited - before[thread].waited
	}
	if ran <= 0 || waited < elapsed/4 {
		return 1
	}
	return 1 + float64(waited)/float64(ran)
}

// stretched is a deadline's limit under strain: what is beyond the usual was taken from
// everything that is being looked at, too.
func (d Deadline) stretched(strain float64) time.Duration {
	return min(d.hard(), max(d.Within, time.Duration(float64(d.Within)*strain/usualStrain)))
}

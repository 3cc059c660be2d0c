package wait

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// baselinePressure is the CPU pressure that budgets already allow for: threads wait for a
// CPU three times as long as they run, as measured while suites run in parallel on two cores.
const baselinePressure = 4

// cpuUsage is how long a thread ran, and how long it was runnable but waited for a CPU.
type cpuUsage struct{ ran, waited time.Duration }

// threadUsage reads the CPU usage of this process by thread from Linux's schedstat. It is
// empty on systems without schedstat.
func threadUsage() map[string]cpuUsage {
	files, _ := filepath.Glob("/proc/self/task/*/schedstat")
	all := make(map[string]cpuUsage, len(files))
	for _, f := range files {
		text, err := os.ReadFile(f)
		var u cpuUsage
		if err == nil {
			_, err = fmt.Sscan(string(text), &u.ran, &u.waited) // in nanoseconds
		}
		if err == nil {
			all[f] = u
		}
	}
	return all
}

// cpuPressure is the factor by which waiting for a CPU slowed this process down between
// two readings; 1 means not at all. It is 1 too when the threads waited for less than a
// quarter of the elapsed time: a process that is mostly idle says nothing about the machine.
func cpuPressure(before, now map[string]cpuUsage, elapsed time.Duration) float64 {
	var ran, waited time.Duration
	for thread, u := range now {
		ran += u.ran - before[thread].ran
		waited += u.waited - before[thread].waited
	}
	if ran <= 0 || waited < elapsed/4 {
		return 1
	}
	return 1 + float64(waited)/float64(ran)
}

// extended is the limit under a given CPU pressure: Within grows in proportion to the
// pressure above the baseline, because the observed mesh was slowed down as well.
func (d Deadline) extended(pressure float64) time.Duration {
	return min(d.hard(), max(d.Within, time.Duration(float64(d.Within)*pressure/baselinePressure)))
}

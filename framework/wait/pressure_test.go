package wait

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestDeadlineIsExtendedUnderCPUPressure(t *testing.T) {
	d := Deadline{Name: "seen", Within: 10 * time.Second, MinAttempts: 3}
	assert.Equal(t, 10*time.Second, d.extended(1))
	assert.Equal(t, 10*time.Second, d.extended(baselinePressure), "the budgets already allow for the baseline")
	assert.Equal(t, 20*time.Second, d.extended(2*baselinePressure))
	assert.Equal(t, 40*time.Second, d.extended(1000), "the hard limit is four times the budget")
	d.MinAttempts = 0
	assert.Equal(t, 10*time.Second, d.extended(1000), "a deadline without guaranteed attempts is a hard limit")
}

func TestCPUPressureComparesWaitingToRunningTime(t *testing.T) {
	before := map[string]cpuUsage{"1": {ran: time.Second, waited: time.Second}}
	now := map[string]cpuUsage{"1": {ran: 2 * time.Second, waited: 6 * time.Second}, "2": {ran: time.Second, waited: 3 * time.Second}}
	assert.InDelta(t, 5, cpuPressure(before, now, 10*time.Second), 1e-9)
	assert.InDelta(t, 1, cpuPressure(before, now, time.Minute), 1e-9, "the process was mostly idle")
	assert.InDelta(t, 1, cpuPressure(nil, nil, 0), 1e-9, "the system has no schedstat")
}

func TestThreadUsageIsReadOnLinux(t *testing.T) {
	before, sum := threadUsage(), 0
	for i := range 50_000_000 {
		sum += i
	}
	var ran time.Duration
	for thread, e := range threadUsage() {
		ran += e.ran - before[thread].ran
	}
	assert.Equal(t, runtime.GOOS == "linux", ran > 0, "only Linux has schedstat; counted to %d", sum)
}

package wait

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestADeadlineIsStretchedByWhatTheMachineTookFromIt(t *testing.T) {
	d := Deadline{Name: "seen", Within: 10 * time.Second, Looks: 3}
	assert.Equal(t, 10*time.Second, d.stretched(1))
	assert.Equal(t, 10*time.Second, d.stretched(usualStrain), "budgets allow for that")
	assert.Equal(t, 20*time.Second, d.stretched(2*usualStrain))
	assert.Equal(t, 40*time.Second, d.stretched(1000), "four times the budget, and no more")
	d.Looks = 0
	assert.Equal(t, 10*time.Second, d.stretched(1000), "one that grants no looks is a limit")
}

func TestStrainIsTheTimeThatThreadsWereKeptWaiting(t *testing.T) {
	before := map[string]effort{"1": {ran: time.Second, waited: time.Second}}
	now := map[string]effort{"1": {ran: 2 * time.Second, waited: 6 * time.Second}, "2": {ran: time.Second, waited: 3 * time.Second}}
	assert.InDelta(t, 5, strain(before, now, 10*time.Second), 1e-9)
	assert.InDelta(t, 1, strain(before, now, time.Minute), 1e-9, "next to nothing to do")
	assert.InDelta(t, 1, strain(nil, nil, 0), 1e-9, "a system that does not tell")
}

func TestTheSystemTellsWhatThreadsHadOfTheProcessors(t *testing.T) {
	before, sum := efforts(), 0
	for i := range 50_000_000 {
		sum += i
	}
	var ran time.Duration
	for thread, e := range efforts() {
		ran += e.ran - before[thread].ran
	}
	assert.Equal(t, runtime.GOOS == "linux", ran > 0, "only Linux tells; counted to %d", sum)
}

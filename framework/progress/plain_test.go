package progress_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/progress"
)

// after advances the fake clock of the synctest bubble. Only package wait may sleep on the
// real clock.
func after(d time.Duration) { <-time.After(d) }

func TestPlainWritesBeginWaitsNotesAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		ph := progress.Plain(&b).Begin("cluster")
		ph.Waiting("node meshgate-control-plane")
		ph.Waiting("node meshgate-control-plane") // no change, no line
		after(25 * time.Second)
		ph.Note("kubelet accepts cgroup v%d", 1)
		ph.Note("100% said")
		ph.Waiting("CoreDNS")
		after(12 * time.Second)
		ph.End(nil)
		ph.End(errors.New("said twice"))
		after(time.Minute)
		// The bubble's clock starts at midnight UTC 2000-01-01.
		assert.Equal(t, `2000-01-01T00:00:00Z cluster: begins
2000-01-01T00:00:00Z cluster: waiting for node meshgate-control-plane
2000-01-01T00:00:10Z cluster: still waiting for node meshgate-control-plane (10 s)
2000-01-01T00:00:20Z cluster: still waiting for node meshgate-control-plane (20 s)
2000-01-01T00:00:25Z cluster: kubelet accepts cgroup v1
2000-01-01T00:00:25Z cluster: 100% said
2000-01-01T00:00:25Z cluster: waiting for CoreDNS
2000-01-01T00:00:35Z cluster: still waiting for CoreDNS (10 s)
2000-01-01T00:00:37Z cluster: done in 37 s
`, b.String())
	}) // the bubble fails if a goroutine is left
}

func TestPlainWritesFastChangesOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		ph := progress.Plain(&b).Begin("bundle")
		for n := range 150 {
			ph.Waiting(fmt.Sprintf("package %d", n))
			after(7 * time.Millisecond)
		}
		after(1950 * time.Millisecond)
		ph.End(nil)
		assert.Equal(t, `2000-01-01T00:00:00Z bundle: begins
2000-01-01T00:00:00Z bundle: waiting for package 0
2000-01-01T00:00:01Z bundle: waiting for package 142
2000-01-01T00:00:02Z bundle: waiting for package 149
2000-01-01T00:00:03Z bundle: done in 3.0 s
`, b.String())
	})
}

func TestPlainWritesAShownStateOnlyWhenTheWaitIsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		ph := progress.Plain(&b).Begin("basic-gateway")
		for i := range 12 {
			ph.Show(progress.State{Done: fmt.Sprintf("%d of 14", i), Object: fmt.Sprintf("CORS: step %d", i), Since: time.Now()})
			after(time.Second)
		}
		ph.Show(progress.State{Done: "12 of 14, 1 failed", Object: "CORS: answers", Since: time.Now(), More: 2})
		after(21 * time.Second)
		ph.Show(progress.State{Done: "14 of 14, 1 failed"})
		after(21 * time.Second)
		ph.End(nil)
		assert.Equal(t, `2000-01-01T00:00:00Z basic-gateway: begins
2000-01-01T00:00:22Z basic-gateway: 12 of 14, 1 failed: still waiting for CORS: answers (10 s); and 2 more
2000-01-01T00:00:32Z basic-gateway: 12 of 14, 1 failed: still waiting for CORS: answers (20 s); and 2 more
2000-01-01T00:00:54Z basic-gateway: 14 of 14, 1 failed: done in 54 s
`, b.String())
	})
}

func TestPlainBoundsErrorsAndEscapesControlCharacters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		ph := progress.Plain(&b).Begin("mesh\x1b[2J")
		ph.Waiting("gateway\n2000-01-01T00:00:00Z mesh: done")
		after(125 * time.Second)
		ph.End(fmt.Errorf("answered %s", strings.Repeat("x", 5000)))
		assert.NotContains(t, b.String(), "\x1b")
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		require.Len(t, lines, 15)
		assert.Contains(t, lines[1], `waiting for gateway\n2000`)
		assert.Contains(t, lines[14], "failed after 2 min 05 s: answered xxx")
		assert.Less(t, len(lines[14]), 700, "an error is bounded")
	})
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestErrorsOfTheWriterAreIgnored(t *testing.T) {
	ph := progress.Plain(failing{}).Begin("cluster")
	ph.Note("n")
	ph.End(nil)
}

func TestPlainDoesNotMixParallelLines(t *testing.T) {
	var b strings.Builder
	log := progress.Plain(&b)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			ph := log.Begin(fmt.Sprintf("suite-%d", i))
			for j := range 50 {
				ph.Note("thing %d", j)
			}
			ph.End(nil)
		})
	}
	wg.Wait()
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	require.Len(t, lines, 8*52)
	for _, l := range lines {
		assert.Regexp(t, `^\S+Z suite-\d: (begins|thing \d+|done in 0.\d s)$`, l)
	}
}

func TestLinesSplitsOtherOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		w := progress.Lines(progress.Plain(&b))
		_, err := fmt.Fprint(w, "one\r\ntw")
		require.NoError(t, err)
		_, err = fmt.Fprint(w, "o\nthr")
		require.NoError(t, err)
		require.NoError(t, w.Close())
		assert.Equal(t, "2000-01-01T00:00:00Z one\n2000-01-01T00:00:00Z two\n2000-01-01T00:00:00Z thr\n", b.String())
	})
	n, err := progress.Lines(progress.Discard()).Write([]byte("x\n"))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
}

func TestDiscardWritesNothing(t *testing.T) {
	ph := progress.Discard().Begin("x")
	ph.Waiting("y")
	ph.Show(progress.State{Object: "y"})
	ph.Note("z")
	ph.End(nil)
}

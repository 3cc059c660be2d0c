package progress

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func after(d time.Duration) { <-time.After(d) }

func TestTerminalShowsLiveLinesAndKeepsNotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(80)
		log := newTerminal(s, s.columns)
		cluster := log.Begin("cluster")
		cluster.Waiting("node meshgate-control-plane")
		mesh := log.Begin("mesh istio 1.31")
		after(12*time.Second + 3*frameEvery)
		assert.Equal(t, "cluster: waiting for node meshgate-control-plane (12 s)\nmesh istio 1.31 (12 s)\n", s.text())

		cluster.Note("kubelet accepts cgroup v1")
		_, err := fmt.Fprintln(Lines(log), "a line of a library")
		require.NoError(t, err)
		cluster.Waiting("CoreDNS")
		after(10*time.Second + 3*frameEvery)
		assert.Equal(t, "cluster: kubelet accepts cgroup v1\na line of a library\n"+
			"cluster: waiting for CoreDNS (10 s)\nmesh istio 1.31 (22 s)\n", s.text())

		cluster.End(nil)
		cluster.End(errors.New("said twice"))
		after(time.Second)
		mesh.End(errors.New("no address"))
		want := "cluster: kubelet accepts cgroup v1\na line of a library\ncluster: done in 22 s\nmesh istio 1.31: failed after 23 s: no address\n"
		assert.Equal(t, want, s.text(), "complete as soon as End returns")

		_, err = s.Write([]byte("other output\n"))
		require.NoError(t, err)
		mesh.Note("late")
		again := log.Begin("suites")
		after(time.Second)
		again.End(nil)
		assert.Equal(t, want+"other output\nmesh istio 1.31: late\nsuites: done in 1.0 s\n", s.text())
		assert.Empty(t, s.unread)
	}) // the bubble fails if a goroutine is left
}

func TestTerminalKeepsTheCountWhenTheLineIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(80)
		suite := newTerminal(s, s.columns).Begin("basic-gateway")
		suite.Show(State{Done: "0 of 14"})
		after(11*time.Second + 3*frameEvery)
		assert.Equal(t, "basic-gateway: 0 of 14 (11 s)\n", s.text())
		suite.Show(State{Done: "5 of 14, 1 failed", Object: "HTTPSRedirect: port 80 redirects", Since: time.Now(), More: 2})
		after(12*time.Second + 3*frameEvery)
		assert.Equal(t, "basic-gateway: 5 of 14, 1 failed: waiting for HTTPSRedirect… (12 s); and 2 more\n", s.text())
		s.resize(120)
		after(3 * frameEvery)
		assert.Equal(t, "basic-gateway: 5 of 14, 1 failed: waiting for HTTPSRedirect: port 80 redirects (12 s); and 2 more\n", s.text())
		suite.Show(State{Done: "14 of 14, 1 failed"})
		suite.End(nil)
		assert.Equal(t, "basic-gateway: 14 of 14, 1 failed: done in 23 s\n", s.text())
	})
}

func TestTerminalRedrawsAfterAResize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(100)
		log := newTerminal(s, s.columns)
		cluster, mesh := log.Begin("cluster"), log.Begin("mesh")
		cluster.Waiting(strings.Repeat("a long name ", 20))
		mesh.Waiting(strings.Repeat("another one ", 20))
		for _, width := range []int{100, 45, 30, 120, 10, 60, 1, 80} {
			s.resize(width)
			after(time.Second)
			synctest.Wait() // for a frame that is due at this very moment
			text := strings.TrimSuffix(s.text(), "\n")
			lines := strings.Split(text, "\n")
			require.Len(t, lines, 2, "at %d columns: %q", width, text)
			for _, l := range lines {
				assert.Less(t, len([]rune(l)), max(width, 2), "%q at %d columns", l, width)
			}
		}
		cluster.End(nil)
		mesh.End(nil)
		assert.Equal(t, "cluster: done in 8.0 s\nmesh: done in 8.0 s\n", s.text())
	})
}

func TestTerminalEscapesControlCharacters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(200)
		log := newTerminal(s, s.columns)
		ph := log.Begin("mesh\x1b[2J")
		ph.Waiting("x\n\x1b]0;owned\a")
		ph.Note("y\r\x1b[A")
		after(time.Second)
		ph.End(errors.New("z\u009b2J\nforged"))
		assert.Empty(t, s.unread, "no sequence of others arrives")
		assert.Equal(t, "mesh\\x1b[2J: y\\r\\x1b[A\nmesh\\x1b[2J: failed after 1.0 s: z\\x9b2J\\nforged\n", s.text())
	})
}

func TestTerminalShowsManyPhasesInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(80)
		log := newTerminal(s, s.columns)
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				for j := range 10 {
					ph := log.Begin(fmt.Sprintf("suite-%d.%d", i, j))
					ph.Waiting("thing")
					after(time.Duration(i*37+j*11) * time.Millisecond)
					ph.Note("noted")
					ph.End(nil)
				}
			})
		}
		wg.Wait()
		lines := strings.Split(strings.TrimSuffix(s.text(), "\n"), "\n")
		assert.Len(t, lines, 120, "one line for each note and each end, nothing else")
		for i := range 6 {
			for j := range 10 {
				assert.Equal(t, 1, strings.Count(s.text(), fmt.Sprintf("suite-%d.%d: noted\n", i, j)))
				assert.Equal(t, 1, strings.Count(s.text(), fmt.Sprintf("suite-%d.%d: done", i, j)))
			}
		}
	})
}

// A file is no terminal, so it gets plain lines.
func TestForReturnsPlainLinesForAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(path)
	require.NoError(t, err)
	log := For(f)
	ph := log.Begin("cluster")
	ph.End(nil)
	require.NoError(t, f.Close())
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Regexp(t, `(?s)^\S+Z cluster: begins\n\S+Z cluster: done in 0.0 s\n$`, string(got))
}

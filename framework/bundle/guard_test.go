package bundle

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// heldDir names, in a child process, the bundle that it is to change.
const heldDir = "MESHGATE_TEST_HELD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(heldDir); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

// child makes component metallb, and in the middle of it waits for a line on
// its standard input.
func child(dir string) int {
	source := builder()
	source.started, source.proceed = make(chan struct{}), make(chan struct{})
	go func() {
		<-source.started
		fmt.Println("started")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		close(source.proceed)
	}()
	if _, err := Resolve(context.Background(), Options{Dir: dir, Sources: []Source{source}}, []string{"metallb"}); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// started is a child in the middle of its work; finish lets it go on.
func started(t *testing.T, dir string) (cmd *exec.Cmd, finish func()) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), heldDir+"="+dir)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "started", strings.TrimSpace(line))
	return cmd, func() { _, _ = io.WriteString(in, "\n") }
}

// signalling is a log that tells when the first note is made.
type signalling struct {
	notes
	first chan struct{}
}

func (s *signalling) wait(t *testing.T) {
	t.Helper()
	for {
		select {
		case <-s.first:
			return
		case <-t.Context().Done():
			t.Fatal("nothing was said")
		case <-time.After(5 * time.Millisecond):
			if s.text() != "" {
				close(s.first)
			}
		}
	}
}

func TestSecondProcessWaitsAndSaysSo(t *testing.T) {
	dir := t.TempDir()
	cmd, finish := started(t, dir)
	source, said := builder(), &signalling{first: make(chan struct{})}
	done := make(chan error, 1)
	go func() {
		b, err := Resolve(t.Context(), Options{Dir: dir, Sources: []Source{source}, Log: &said.notes}, []string{"metallb"})
		if err == nil {
			b.Close()
		}
		done <- err
	}()
	said.wait(t)
	assert.Contains(t, said.text(), fmt.Sprintf("another process (pid %d) is changing the bundle in %s: waiting for it", cmd.Process.Pid, dir))
	assert.Empty(t, done, "it waits")
	finish()
	require.NoError(t, cmd.Wait())
	require.NoError(t, <-done)
	assert.Empty(t, source.fetched, "what the first one made is taken")
	assert.Contains(t, said.text(), "metallb: cached (from source)")
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	dir := t.TempDir()
	cmd, finish := started(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := Resolve(ctx, Options{Dir: dir, Sources: []Source{builder()}}, []string{"metallb"})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, fmt.Sprintf("wait for the other process (pid %d)", cmd.Process.Pid))
	finish()
	require.NoError(t, cmd.Wait())
}

func TestAKilledProcessHoldsNothing(t *testing.T) {
	dir := t.TempDir()
	cmd, _ := started(t, dir)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	b, err := Resolve(t.Context(), Options{Dir: dir, Sources: []Source{builder()}}, []string{"metallb"})
	require.NoError(t, err)
	defer b.Close()
	assert.NoError(t, b.Verify(t.Context(), phase()))
}

func TestReadersDoNotWaitForAWriter(t *testing.T) {
	b := filled(t, builder(), "apps")
	cmd, finish := started(t, b.Dir())
	again, err := Resolve(t.Context(), Options{Dir: b.Dir(), Sources: []Source{builder()}}, []string{"apps"})
	require.NoError(t, err, "what is cached needs no right to write")
	again.Close()
	finish()
	require.NoError(t, cmd.Wait())
}

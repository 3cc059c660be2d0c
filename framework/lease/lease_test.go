package lease

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// childDir makes this test binary a second process that joins the lease.
const childDir = "MESHGATE_LEASE_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

// child joins, says whether it came first, waits for a line on its input, and
// leaves saying whether it was last.
func child(dir string) int {
	ctx := context.Background()
	l, err := Acquire(ctx, dir, "c", func(_ context.Context, first bool) error {
		fmt.Println("first", first)
		return nil
	})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if line == "crash\n" {
		return 7
	}
	last := false
	err = l.Release(ctx, func(context.Context) error { last = true; return nil })
	fmt.Println("last", last, err)
	return 0
}

type process struct {
	cmd *exec.Cmd
	in  interface{ Write([]byte) (int, error) }
	out *bufio.Scanner
}

func start(t *testing.T, dir string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return &process{cmd: cmd, in: in, out: bufio.NewScanner(out)}
}

func (p *process) says(t *testing.T, want string) {
	t.Helper()
	require.True(t, p.out.Scan(), "want %q, got nothing", want)
	require.Equal(t, want, p.out.Text())
}

func (p *process) tell(t *testing.T, line string) {
	t.Helper()
	_, err := p.in.Write([]byte(line + "\n"))
	require.NoError(t, err)
}

func TestTheFirstAndTheLastOfTwoProcessesAreTold(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.says(t, "first true")
	b := start(t, dir)
	b.says(t, "first false")
	a.tell(t, "leave")
	a.says(t, "last false <nil>")
	b.tell(t, "leave")
	b.says(t, "last true <nil>")
	entries, err := os.ReadDir(filepath.Join(dir, "c.users"))
	require.NoError(t, err)
	assert.Empty(t, entries, "files of users who left")
}

func TestACrashedProcessIsNoUser(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.says(t, "first true")
	a.tell(t, "crash")
	var exit *exec.ExitError
	require.ErrorAs(t, a.cmd.Wait(), &exit)
	require.Equal(t, 7, exit.ExitCode())
	b := start(t, dir)
	b.says(t, "first true")
	b.tell(t, "leave")
	b.says(t, "last true <nil>")
}

func TestAKilledProcessIsNoUser(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.says(t, "first true")
	require.NoError(t, a.cmd.Process.Kill())
	require.Error(t, a.cmd.Wait())
	require.NoError(t, Alone(context.Background(), dir, "c", func(context.Context) error { return nil }))
}

func TestASecondProcessWaitsForTheFirstToBeReady(t *testing.T) {
	dir := t.TempDir()
	ready := false
	l, err := Acquire(context.Background(), dir, "c", func(context.Context, bool) error {
		b := start(t, dir)
		said := make(chan bool, 1)
		go func() { said <- b.out.Scan() }()
		select {
		case <-said:
			return errors.New("the second process joined while the first was still creating")
		case <-time.After(300 * time.Millisecond):
		}
		ready = true
		return nil
	})
	require.NoError(t, err)
	assert.True(t, ready)
	require.NoError(t, l.Release(context.Background(), nil))
}

func TestAloneRefusesAndNamesTheUser(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.says(t, "first true")
	err := Alone(context.Background(), dir, "c", func(context.Context) error {
		t.Error("ran beside a user")
		return nil
	})
	require.ErrorIs(t, err, ErrInUse)
	assert.Contains(t, err.Error(), fmt.Sprint(a.cmd.Process.Pid))
}

func TestAFailedUpLeavesNoUser(t *testing.T) {
	dir := t.TempDir()
	broken := errors.New("no cluster")
	_, err := Acquire(context.Background(), dir, "c", func(context.Context, bool) error { return broken })
	require.ErrorIs(t, err, broken)
	_, err = Acquire(context.Background(), dir, "c", func(_ context.Context, first bool) error {
		assert.True(t, first)
		return nil
	})
	require.NoError(t, err)
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	unlock, err := Lock(context.Background(), file)
	require.NoError(t, err)
	defer unlock()
	ctx, stop := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer stop()
	_, err = Lock(ctx, file)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.True(t, strings.Contains(err.Error(), file), err.Error())
}

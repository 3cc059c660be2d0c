package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asChild makes this test binary a process that can be interrupted.
const asChild = "MESHGATE_TESTBED_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		os.Exit(child())
	}
	os.Exit(m.Run())
}

// child writes when it can be interrupted, and by what it was interrupted. Then it runs on
// until its input ends, like a process that removes its objects.
func child() int {
	ctx, stop := Interruptible(context.Background(), os.Stderr)
	defer stop()
	fmt.Println("ready")
	<-ctx.Done()
	fmt.Println(Signal(ctx))
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	return 7
}

type process struct {
	t   *testing.T
	cmd *exec.Cmd
	in  interface{ Close() error }
	out *bufio.Scanner
	err *bufio.Scanner
}

func start(t *testing.T) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asChild+"=1")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	said, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	p := &process{t: t, cmd: cmd, in: in, out: bufio.NewScanner(out), err: bufio.NewScanner(said)}
	p.says("ready")
	return p
}

func (p *process) says(want string) {
	p.t.Helper()
	require.True(p.t, p.out.Scan(), "want %q, got nothing", want)
	require.Equal(p.t, want, p.out.Text())
}

func TestFirstSignalCancelsTheContext(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		p := start(t)
		require.NoError(t, p.cmd.Process.Signal(signal))
		p.says(signal.String())
		require.True(t, p.err.Scan())
		assert.Equal(t, "meshgate: "+signal.String()+": removing what was created; once more to stop at once (then `meshgate down` removes the rest)", p.err.Text())
		require.NoError(t, p.in.Close())
		var exit *exec.ExitError
		require.ErrorAs(t, p.cmd.Wait(), &exit)
		assert.Equal(t, 7, exit.ExitCode(), "the process was not killed")
	}
}

func TestSecondSignalEndsTheProcess(t *testing.T) {
	p := start(t)
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	p.says("interrupt")
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	var exit *exec.ExitError
	require.ErrorAs(t, p.cmd.Wait(), &exit)
	status, ok := exit.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	assert.True(t, status.Signaled())
	assert.Equal(t, syscall.SIGINT, status.Signal())
}

func TestSignalIgnoresOtherCauses(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	assert.Empty(t, Signal(ctx))
	cancel(errors.New("go test -timeout is nearly spent"))
	assert.Empty(t, Signal(ctx))
	ctx, cancel = context.WithCancelCause(context.Background())
	cancel(fmt.Errorf("wrapped: %w", &Interrupted{os.Interrupt}))
	assert.Equal(t, "interrupt", Signal(ctx))
	ctx, stop := Interruptible(context.Background(), os.Stderr)
	stop()
	<-ctx.Done()
	assert.Empty(t, Signal(ctx), "stopping is no interruption")
}

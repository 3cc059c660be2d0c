package toolrun

import (
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

	"meshgate/framework/wait"
)

func sh(script string) Command { return Command{Args: []string{"sh", "-c", script}} }

func TestRunGivesTheOutput(t *testing.T) {
	c := sh(`echo "$WORD in $PWD"; echo noise >&2`)
	c.Dir, c.Env = t.TempDir(), []string{"WORD=seen"}
	out, err := Run(context.Background(), c)
	require.NoError(t, err)
	assert.Equal(t, "seen in "+c.Dir+"\n", string(out))
}

func TestAFailureQuotesTheLastLines(t *testing.T) {
	c := sh(`for i in $(seq 100); do echo "line $i" >&2; done; echo "progress 7" >&2; printf 'the end' >&2; exit 3`)
	var seen []string
	c.Line = func(line string) bool {
		seen = append(seen, line)
		return strings.HasPrefix(line, "progress")
	}
	_, err := Run(context.Background(), c)
	var failed *Error
	require.ErrorAs(t, err, &failed)
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 3, exit.ExitCode())
	assert.Len(t, seen, 102)
	lines := strings.Split(failed.Output, "\n")
	assert.Len(t, lines, tailLines)
	assert.Equal(t, "the end", lines[len(lines)-1])
	assert.Equal(t, "line 100", lines[len(lines)-2])
	assert.ErrorContains(t, err, "sh -c")
}

func TestAFailureWithoutWordsQuotesTheOutput(t *testing.T) {
	_, err := Run(context.Background(), sh(`echo '{"Error": "told here"}'; exit 1`))
	require.ErrorContains(t, err, "told here")
}

func TestAFailureSaysWhatToDo(t *testing.T) {
	for words, advice := range map[string]string{
		"reading https://example.test: 403 Forbidden": "does not serve this module version",
		"missing go.sum entry for module":             "commit go.sum",
		"write /x: no space left on device":           "free disk space",
		"compile: signal: killed":                     "want of memory",
		"dial tcp: lookup example.test":               "HTTPS_PROXY",
	} {
		_, err := Run(context.Background(), sh(fmt.Sprintf("echo %q >&2; exit 1", words)))
		require.ErrorContains(t, err, advice)
		require.ErrorContains(t, err, words)
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	_, err := Run(context.Background(), Command{Args: []string{"meshgate-no-such-program"}})
	require.ErrorContains(t, err, "meshgate-no-such-program")
	require.ErrorIs(t, err, exec.ErrNotFound)
}

// An interrupted tool leaves none of the processes that it started.
func TestCancellationEndsTheWholeGroup(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancelCause(context.Background())
	stopped := errors.New("the user has had enough")
	c := sh(`sleep 1000 & echo $! >child; echo started >&2; wait`)
	c.Dir = dir
	c.Line = func(string) bool { cancel(stopped); return true }
	_, err := Run(ctx, c)
	require.ErrorIs(t, err, stopped)
	assert.ErrorContains(t, err, "interrupted")
	child, err := os.ReadFile(filepath.Join(dir, "child"))
	require.NoError(t, err)
	gone(t, strings.TrimSpace(string(child)))
}

// What a tool mounts is not mounted for anybody else, so it cannot stay behind.
func TestMountsStayWithTheTool(t *testing.T) {
	c := sh(`readlink /proc/self/ns/mnt`)
	c.Mounts = true
	out, err := Run(context.Background(), c)
	if os.Geteuid() != 0 {
		require.ErrorIs(t, err, os.ErrPermission)
		return
	}
	require.NoError(t, err)
	ours, err := os.Readlink("/proc/self/ns/mnt")
	require.NoError(t, err)
	assert.NotEqual(t, ours, strings.TrimSpace(string(out)))
}

// gone waits until there is no such process, or only its entry for its parent.
func gone(t *testing.T, pid string) {
	t.Helper()
	_, err := wait.Until(context.Background(), wait.Deadline{Name: "process gone", Within: 5 * time.Second}, 10*time.Millisecond,
		func(context.Context) error {
			status, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
			if err == nil && !strings.Contains(string(status), ") Z ") {
				return fmt.Errorf("process %s is there: %s", pid, status)
			}
			return nil
		})
	require.NoError(t, err)
}

func TestToolsThatAreThereNeedNothing(t *testing.T) {
	noted := 0
	err := Ensure(context.Background(), func(string, ...any) { noted++ }, Go, Tool{Name: "sh", Package: "dash", Probe: []string{"sh", "-c", "true"}})
	require.NoError(t, err)
	assert.Zero(t, noted)
}

func TestAMissingToolNamesTheCommandThatInstallsIt(t *testing.T) {
	missing := Tool{Name: "frobnicator", Package: "frob frob-dev", Probe: []string{"meshgate-no-such-program"}}
	assert.Equal(t, []Tool{missing}, absent(context.Background(), []Tool{Go, missing}))
	err := &MissingError{Missing: []Tool{missing, Mmdebstrap}, Reason: "not root"}
	assert.EqualError(t, err, "missing on this machine: frobnicator, mmdebstrap (not root); "+
		"install with: apt-get install --no-install-recommends frob frob-dev mmdebstrap")
}

func TestALibraryIsAskedOfPkgConfig(t *testing.T) {
	l := Library("libthing", "libthing-dev")
	assert.Equal(t, []string{"pkg-config", "--exists", "libthing"}, l.Probe)
	assert.Equal(t, "libthing-dev", l.Package)
}

func TestSourcesAreThoseOfTheDistribution(t *testing.T) {
	targets := `Debian|http://mirror.test/debian/|bookworm|main
Debian|http://mirror.test/debian/|bookworm|main
Debian|http://mirror.test/debian/|bookworm-updates|main
Debian|http://mirror.test/security/|bookworm-security|main
Debian|http://mirror.test/debian/|trixie|main
Vendor|http://vendor.test/|bookworm|stable
nonsense`
	assert.Equal(t, []string{
		"deb http://mirror.test/debian/ bookworm main",
		"deb http://mirror.test/debian/ bookworm-updates main",
		"deb http://mirror.test/security/ bookworm-security main",
	}, sources([]byte(targets), "debian", "bookworm"))
}

func TestTheDistributionIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "os-release")
	require.NoError(t, os.WriteFile(path, []byte("NAME=\"Debian\"\nID=debian\nVERSION_CODENAME=\"bookworm\"\n"), 0o644))
	id, suite, err := osRelease(path)
	require.NoError(t, err)
	assert.Equal(t, "debian bookworm", id+" "+suite)
	require.NoError(t, os.WriteFile(path, []byte("ID=alpine\n"), 0o644))
	_, _, err = osRelease(path)
	assert.ErrorContains(t, err, "needs Debian or Ubuntu")
	_, _, err = osRelease(path + "-none")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

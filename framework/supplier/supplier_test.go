package supplier

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/progress"
)

// standIn is a shell script in the place of meshgate-bundle. $1 is --events and $2 the
// command; $dir is a folder of the test's own.
func standIn(t *testing.T, script string) (p Program, dir string) {
	t.Helper()
	dir = t.TempDir()
	p.Path = filepath.Join(dir, ProgramName)
	require.NoError(t, os.WriteFile(p.Path, []byte("#!/bin/sh\ndir='"+dir+"'\n"+script+"\n"), 0o755))
	return p, dir
}

// heard is a progress.Phase that keeps what it is told.
type heard struct{ waiting, notes []string }

func (h *heard) Waiting(object string) { h.waiting = append(h.waiting, object) }
func (h *heard) Show(progress.State)   {}
func (h *heard) Note(format string, args ...any) {
	h.notes = append(h.notes, fmt.Sprintf(format, args...))
}
func (h *heard) End(error) {}

func TestTheProgramIsFoundBesideUsOrInTheCheckout(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	checkout := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(checkout, "go.mod"), []byte("module meshgate\n"), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(checkout, "bin"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(checkout, "suites", "one"), 0o755))
	t.Chdir(filepath.Join(checkout, "suites", "one"))
	assert.Empty(t, Find().Path)
	program := filepath.Join(checkout, "bin", ProgramName)
	require.NoError(t, os.WriteFile(program, nil, 0o644))
	assert.Empty(t, Find().Path, "a file that cannot be run")
	require.NoError(t, os.Chmod(program, 0o755))
	assert.Equal(t, program, Find().Path)
	beside, _ := standIn(t, "")
	assert.Equal(t, beside.Path, find([]string{beside.Path, program}).Path)
}

func TestWithoutTheProgramTheErrorSaysWhatWasWantedAndHowToGetIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := find([]string{"/opt/bin/meshgate-bundle"}).run(t.Context(), &heard{}, FillCommand, "node")
	require.ErrorIs(t, err, ErrNoProgram)
	for _, words := range []string{"/opt/bin/meshgate-bundle", "`meshgate-bundle fill node`", "`make build`"} {
		assert.ErrorContains(t, err, words)
	}
}

func TestLinesOfTheProgramReachThePhase(t *testing.T) {
	p, _ := standIn(t, `echo '{"waiting":"compiling"}'; printf '{"note":"'; echo '100% done"}'; echo plain words; echo "{\"inputs\":\"$*\"}"`)
	h := &heard{}
	inputs, err := p.run(t.Context(), h, InputsCommand, "node")
	require.NoError(t, err)
	assert.Equal(t, "--events inputs node", inputs)
	assert.Equal(t, []string{"compiling"}, h.waiting)
	assert.Equal(t, []string{"100% done", "plain words"}, h.notes)
}

func TestAFailureKeepsCodeAndReason(t *testing.T) {
	for script, reason := range map[string]string{
		`echo noise >&2; echo '{"error":"no room"}'; exit 2`: "no room",
		`echo died >&2; exit 2`:                              "died",
		`exit 2`:                                             "meshgate-bundle fill node: exit status 2, and it did not say why",
	} {
		p, _ := standIn(t, script)
		_, err := p.run(t.Context(), &heard{}, FillCommand, "node")
		var failed *FailedError
		require.ErrorAs(t, err, &failed, script)
		assert.Equal(t, 2, failed.Code)
		assert.Equal(t, reason, err.Error())
	}
}

// An interrupted meshgate tells the program to end and waits until it has tidied up.
func TestTheProgramEndsWithTheContext(t *testing.T) {
	p, dir := standIn(t, `trap 'echo tidy >"$dir/tidy"; exit 130' TERM
echo '{"note":"ready"}'; while :; do read -r line || exit 9; done`)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("interrupted by a test")
	_, err := p.run(ctx, &stopper{stop: func() { cancel(enough) }}, FillCommand, "node")
	require.ErrorIs(t, err, enough)
	assert.FileExists(t, filepath.Join(dir, "tidy"))
}

// stopper is a progress.Phase that ends a context at the first note.
type stopper struct {
	heard
	stop func()
}

func (s *stopper) Note(string, ...any) { s.stop() }

// The program's standard input stays open as long as meshgate lives.
func TestTheProgramsInputIsOpenWhileItRuns(t *testing.T) {
	p, _ := standIn(t, `timeout 0.2 cat; test $? -eq 124 && echo '{"inputs":"open"}'`)
	inputs, err := p.run(t.Context(), &heard{}, InputsCommand, "node")
	require.NoError(t, err)
	assert.Equal(t, "open", inputs)
}

// noEngine is a machine on which no container engine is installed.
type noEngine struct{ engine.Commands }

func (noEngine) Find(string) []string { return nil }

func TestAnEngineIsInstalledByTheProgramAlone(t *testing.T) {
	p, dir := standIn(t, `echo "$*" >"$dir/told"; echo '{"note":"installing"}'`)
	h := &heard{}
	err := p.EnsureEngine(t.Context(), noEngine{}, engine.Auto, true, h)
	if os.Geteuid() != 0 {
		require.ErrorContains(t, err, engine.InstallCommand)
		assert.NoFileExists(t, filepath.Join(dir, "told"))
		return
	}
	require.NoError(t, err)
	told, err := os.ReadFile(filepath.Join(dir, "told"))
	require.NoError(t, err)
	assert.Equal(t, "--events engine --engine auto --install\n", string(told))
	assert.Equal(t, []string{"installing"}, h.notes)
}

func TestAnEngineThatWeDoNotInstallIsLeftAlone(t *testing.T) {
	p, dir := standIn(t, `echo "$*" >"$dir/told"`)
	require.ErrorContains(t, p.EnsureEngine(t.Context(), noEngine{}, engine.Podman, true, &heard{}), "[podman]")
	assert.NoFileExists(t, filepath.Join(dir, "told"))
}

func TestWithoutTheProgramTheEnginesOwnErrorComesFirst(t *testing.T) {
	err := find(nil).EnsureEngine(t.Context(), noEngine{}, engine.Auto, false, &heard{})
	require.ErrorContains(t, err, engine.InstallCommand)
	var unusable *engine.UnusableError
	require.ErrorAs(t, err, &unusable)
	assert.Equal(t, os.Geteuid() == 0, errors.Is(err, ErrNoProgram))
}

func TestWhatTheProgramEmitsIsHeard(t *testing.T) {
	l := &listener{phase: progress.Discard().Begin("bundle")}
	require.NoError(t, Emit(l, Event{Inputs: "sha256:aa"}))
	require.NoError(t, Emit(l, Event{Error: "no compiler"}))
	assert.Equal(t, "sha256:aa", l.inputs)
	assert.Equal(t, "no compiler", l.failed)
}

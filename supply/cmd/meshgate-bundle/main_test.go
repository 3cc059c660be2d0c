package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
	"meshgate/framework/supplier"
)

// checkout is a checkout whose recipe of apps compiles one small program of it.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "go.mod", "module meshgate\n\ngo 1.26\n")
	put(t, dir, "app/main.go", "package main\n\nfunc main() { println(\"hello\") }\n")
	c, err := bundle.Find("apps")
	require.NoError(t, err)
	recipe := "component: apps\nversion: dev\nbuilds:\n  - {module: ../../.., programs: {app: meshgate/app}}\n" +
		"layers:\n  - {name: app, contents: [{to: /app, program: app}]}\nimages:\n"
	for _, image := range c.Images {
		recipe += "  - {name: '" + image + "', layers: [app], entrypoint: [/app]}\n"
	}
	put(t, dir, "supply/recipes/apps/recipe.yaml", recipe)
	return dir
}

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

// command runs one command line with a standard input that stays open.
func command(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	in, open := io.Pipe()
	defer open.Close()
	var stdout, stderr bytes.Buffer
	code = execute(t.Context(), args, in, &stdout, &stderr, progress.Discard())
	return code, stdout.String(), stderr.String()
}

// The seam as it is at run time: meshgate's source starts this program, which builds by
// a recipe, and takes what it built.
func TestMeshgateTakesWhatThisProgramBuilds(t *testing.T) {
	program := supplier.Program{Path: filepath.Join(t.TempDir(), supplier.ProgramName)}
	out, err := exec.Command("go", "build", "-o", program.Path, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	t.Chdir(checkout(t))
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	require.NoError(t, err)
	t.Setenv("GOCACHE", strings.TrimSpace(string(cache)))
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // where builds have their temporary folders
	dir := filepath.Join(t.TempDir(), "bundle")
	log := &told{}
	b, err := bundle.Resolve(t.Context(), bundle.Options{
		Dir: dir, Source: bundle.SourceAuto, Sources: []bundle.Source{program.Source(dir)}, Log: log,
	}, []string{"apps"})
	require.NoError(t, err)
	defer b.Close()
	e, err := b.Entry("docker.io/meshgate/agent:dev")
	require.NoError(t, err)
	assert.Equal(t, "this checkout of meshgate", e.Origin)
	inputs, err := program.Source(dir).Inputs(bundle.Component{Name: "apps"})
	require.NoError(t, err)
	assert.Equal(t, inputs, e.Inputs)
	assert.Contains(t, strings.Join(log.waiting, "\n"), "writing docker.io/meshgate/agent:dev")
	assert.Len(t, log.notes, 1, "meshgate's own decision, once: %q", log.notes)
}

// told is a progress.Log that keeps everything.
type told struct{ waiting, notes []string }

func (l *told) Begin(string) progress.Phase  { return l }
func (l *told) Waiting(object string)        { l.waiting = append(l.waiting, object) }
func (l *told) Show(s progress.State)        { l.Waiting(s.Object) }
func (l *told) Note(format string, _ ...any) { l.notes = append(l.notes, format) }
func (l *told) End(error)                    {}

func TestMeshgateIsToldInEvents(t *testing.T) {
	t.Chdir(checkout(t))
	code, out, errOut := command(t, supplier.EventsFlag, "inputs", "apps")
	assert.Equal(t, 0, code, errOut)
	var e supplier.Event
	require.NoError(t, json.Unmarshal([]byte(out), &e))
	assert.Regexp(t, "^sha256:[0-9a-f]{64}$", e.Inputs)
	code, out, errOut = command(t, supplier.EventsFlag, "available", "node")
	assert.Equal(t, exitFailed, code)
	assert.Empty(t, errOut)
	require.NoError(t, json.Unmarshal([]byte(out), &e))
	assert.Contains(t, e.Error, "recipe")
}

func TestPeopleAreToldInWords(t *testing.T) {
	t.Chdir(checkout(t))
	code, out, _ := command(t, "inputs", "apps")
	assert.Equal(t, 0, code)
	assert.Regexp(t, "^sha256:[0-9a-f]{64}\n$", out)
	code, out, errOut := command(t, "fill", "--dir", filepath.Join(t.TempDir(), "b"), "metallb")
	assert.Equal(t, exitFailed, code)
	assert.Empty(t, out)
	assert.Contains(t, errOut, "meshgate-bundle: metallb cannot be had")
	code, out, _ = command(t)
	assert.Equal(t, 0, code)
	assert.Contains(t, out, "Usage:")
}

func TestAWrongCommandLineIsSaidSo(t *testing.T) {
	for _, args := range [][]string{
		{"no-such-command"}, {"available"}, {"inputs", "no-such-component"}, {"fill", "--no-such-flag"},
		{"fill", "--next", "no-such-component", "apps"}, {"engine", "--engine", "no-such-engine"},
	} {
		code, _, errOut := command(t, args...)
		assert.Equal(t, exitUsage, code, "%v: %s", args, errOut)
		assert.Contains(t, errOut, "meshgate-bundle: ")
	}
}

// Whoever started the program and is gone, killed perhaps, waits for nothing any more.
func TestItEndsWhenMeshgateDoes(t *testing.T) {
	a := &app{in: strings.NewReader(""), out: io.Discard, log: progress.Discard()}
	c := a.root()
	a.events = true
	c.SetContext(t.Context())
	ctx, stop := a.context(c)
	defer stop()
	<-ctx.Done()
	require.ErrorContains(t, context.Cause(ctx), "meshgate has ended")
}

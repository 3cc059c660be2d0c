package source

import (
	"archive/zip"
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/progress"
	"meshgate/supply/source/recipe"
	"meshgate/supply/toolrun"
)

func TestTheCompilerIsToldWhatTheRecipeSays(t *testing.T) {
	b := recipe.Build{
		Programs: map[string]string{"b": "example.test/b", "a": "./a", "again": "./a"},
		Tags:     []string{"one", "two"},
		Vars:     map[string]string{"main.v": "1", "main.a": "with space"},
	}
	assert.Equal(t, []string{
		"go", "build", "-v", "-p", strconv.Itoa(processes()), "-mod=readonly", "-trimpath", "-buildvcs=false", compilerFlags,
		"-ldflags=-s -w -X 'main.a=with space' -X 'main.v=1'", "-tags=one,two", "-o", "out/", "./a", "example.test/b",
	}, buildArgs("out", fromModules, b))
	assert.Contains(t, goEnv(b), "CGO_ENABLED=0")
	assert.Contains(t, goEnv(recipe.Build{CGO: true}), "CGO_ENABLED=1")
}

func TestTheCompilerGetsItsShareOfTheMemory(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	const free = 4194304 << 10
	assert.Equal(t, []string{"GOGC=off", "GOMEMLIMIT=1610612736"}, memoryEnv(free, 2))
	assert.Equal(t, []string{"GOGC=off", "GOMEMLIMIT=2684354560"}, memoryEnv(free, 1))
	assert.Empty(t, memoryEnv(free, 64), "too little for each")
	assert.Empty(t, memoryEnv(0, 1))
	t.Setenv("GOGC", "50")
	assert.Empty(t, memoryEnv(free, 1), "what the user says stays")
}

func TestProgramsAreFoundByTheNameOfTheirPackage(t *testing.T) {
	got, err := outputs("bin", recipe.Build{Programs: map[string]string{
		"etcd": "example.test/server/v3", "one": "./cmd/one", "alias": "./cmd/one",
	}})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"etcd": "bin/server", "one": "bin/one", "alias": "bin/one"}, got)
	_, err = outputs("bin", recipe.Build{Programs: map[string]string{"a": "example.test/a/run", "b": "example.test/b/run"}})
	require.ErrorContains(t, err, `"run"`)
}

func TestPackagesComeFromTheMachinesOwnSources(t *testing.T) {
	from := toolrun.Distribution{Suite: "bookworm", Sources: []string{"deb http://mirror.test/ bookworm main"}}
	args := assembleArgs(recipe.RootFS{Packages: []string{"bash", "jq"}}, from, "out.tar")
	assert.Contains(t, args, "--include=bash,jq")
	assert.Contains(t, args, "--variant=extract")
	assert.Equal(t, []string{"bookworm", "out.tar", "deb http://mirror.test/ bookworm main"}, args[len(args)-3:])
	args = assembleArgs(recipe.RootFS{Packages: []string{"bash"}, Installed: true}, from, "out.tar")
	assert.Contains(t, args, "--variant=essential")
}

func TestToolsAreThoseThatTheRecipeNeeds(t *testing.T) {
	assert.Empty(t, tools(&recipe.Recipe{Builds: []recipe.Build{{}}}))
	assert.Equal(t, []toolrun.Tool{
		toolrun.Mmdebstrap, toolrun.Pip, toolrun.Compiler, toolrun.PkgConfig, toolrun.Library("libseccomp", "libseccomp-dev"),
	}, tools(&recipe.Recipe{
		RootFS: []recipe.RootFS{{}}, Wheels: []recipe.Wheel{{}},
		Builds: []recipe.Build{{CGO: true, Libraries: map[string]string{"libseccomp": "libseccomp-dev"}}},
	}))
}

func TestAFileIsTakenOutOfAWheel(t *testing.T) {
	dir := t.TempDir()
	wheel := filepath.Join(dir, "thing.whl")
	file, err := os.Create(wheel)
	require.NoError(t, err)
	w := zip.NewWriter(file)
	entry, err := w.Create("pkg/_bin/tool")
	require.NoError(t, err)
	_, err = entry.Write([]byte("program"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, file.Close())

	out := filepath.Join(dir, "out")
	require.NoError(t, unzip(wheel, "pkg/_bin/tool", out))
	raw, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.Equal(t, "program", string(raw))
	require.ErrorIs(t, unzip(wheel, "pkg/_bin/other", out), os.ErrNotExist)
	require.ErrorContains(t, unzip(out, "x", out+"2"), out)
}

// A containerd that cannot start is told at once, with its own words.
func TestAContainerdThatEndsIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "containerd")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho 'no overlay here' >&2\nexit 1\n"), 0o755))
	_, err := startContainerd(context.Background(), program, dir, filepath.Join(dir, "root"))
	require.ErrorContains(t, err, "containerd ended before it was ready")
	require.ErrorContains(t, err, "no overlay here")
}

func TestReadinessIsTheWordOnTheSocket(t *testing.T) {
	address := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "ready"), Net: "unixgram"}
	socket, err := net.ListenUnixgram("unixgram", address)
	require.NoError(t, err)
	defer socket.Close()
	sender, err := net.DialUnix("unixgram", nil, address)
	require.NoError(t, err)
	defer sender.Close()
	for _, message := range []string{"STATUS=starting", "MAINPID=1\nREADY=1"} {
		_, err := sender.Write([]byte(message))
		require.NoError(t, err)
	}
	require.NoError(t, hear(socket))
}

// A module that is not there is named, with the Go command's own words.
func TestAModuleThatCannotBeHadIsNamed(t *testing.T) {
	from := checkout(t)
	put(t, from, "supply/recipes/apps/go.mod", "module example.test/recipe\n\ngo 1.26\n")
	r, err := recipe.Load(filepath.Join(from, "supply", "recipes", "apps"))
	require.NoError(t, err)
	j := newJob(r, t.TempDir(), progress.Discard().Begin(""))
	_, err = j.modulePath(context.Background(), recipe.ModulePath{Name: "example.test/none", Path: "x"})
	require.ErrorContains(t, err, "module example.test/none")
}

// A file becomes a tree that holds only it, by the name that the bundle gives it.
func TestATreeIsAFolderOrOneFile(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "deep/native.yaml", "a: b\n")
	j := newJob(&recipe.Recipe{}, t.TempDir(), progress.Discard().Begin(""))
	one, err := j.tree(filepath.Join(dir, "deep", "native.yaml"), "manifests/thing.yaml")
	require.NoError(t, err)
	all, err := j.tree(dir, "charts/thing")
	require.NoError(t, err)
	for path, tree := range map[string]fs.FS{"thing.yaml": one, "deep/native.yaml": all} {
		raw, err := fs.ReadFile(tree, path)
		require.NoError(t, err, path)
		assert.Equal(t, "a: b\n", string(raw), path)
	}
	_, err = j.tree(filepath.Join(dir, "none"), "x")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A folder whose process was killed is removed by the next build; one in use is not.
func TestRemainsOfAKilledBuildAreRemoved(t *testing.T) {
	parent := t.TempDir()
	s := New(Options{WorkDir: parent})
	held, remove, err := s.workDir("one")
	require.NoError(t, err)
	put(t, parent, "two-123/"+workLock, "")
	put(t, parent, "two-123/rootfs/etc/passwd", "root")
	put(t, parent, "not-ours/file", "")
	_, removeOther, err := s.workDir("three")
	require.NoError(t, err)
	assert.DirExists(t, held)
	assert.NoDirExists(t, filepath.Join(parent, "two-123"))
	assert.DirExists(t, filepath.Join(parent, "not-ours"))
	require.NoError(t, remove())
	require.NoError(t, removeOther())
	assert.NoDirExists(t, held)
}

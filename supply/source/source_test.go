package source

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
	"meshgate/framework/wait"
	"meshgate/supply/source/recipe"
	"meshgate/supply/toolrun"
)

// apps is a component of the catalogue whose recipe needs neither network nor root.
const apps = "apps"

// checkout makes a checkout with a program and a recipe that makes every image of
// the component apps out of it.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "go.mod", "module meshgate\n\ngo 1.26\n")
	put(t, dir, "app/main.go", "package main\n\nimport \"meshgate/app/word\"\n\nfunc main() { print(word.Word, version) }\n\nvar version string\n")
	put(t, dir, "app/word/word.go", "package word\n\nimport _ \"embed\"\n\n//go:embed word.txt\nvar Word string\n")
	put(t, dir, "app/word/word.txt", "hello ")
	put(t, dir, "app/word/word_test.go", "package word\n")
	put(t, dir, "other/other.go", "package other\n")
	recipe := "component: apps\nversion: dev\nbuilds:\n  - {module: ../../.., programs: {app: meshgate/app}, vars: {main.version: v7}}\n" +
		"layers:\n  - {name: app, contents: [{to: /app, program: app}, {to: /etc/words, file: words}]}\nimages:\n"
	for _, image := range component(t).Images {
		recipe += "  - {name: '" + image + "', layers: [app], entrypoint: [/app], cmd: [serve], env: [STARS=black], user: '65532:65532'," +
			" workdir: /, labels: {made: here}, ports: [9080/tcp], stopsignal: SIGINT}\n"
	}
	put(t, dir, "supply/recipes/apps/recipe.yaml", recipe)
	put(t, dir, "supply/recipes/apps/words", "some words\n")
	return dir
}

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
}

func component(t *testing.T) bundle.Component {
	t.Helper()
	c, err := bundle.Find(apps)
	require.NoError(t, err)
	return c
}

// resolve builds the component apps from the checkout into a bundle.
func resolve(ctx context.Context, checkout, work, dir string, log progress.Log) (*bundle.Bundle, error) {
	return bundle.Resolve(ctx, bundle.Options{
		Dir: dir, Source: bundle.SourceBuild, Log: log,
		Sources: []bundle.Source{New(Options{Checkout: filepath.Join(checkout, "app"), WorkDir: work})},
	}, []string{apps})
}

// A recipe becomes images in the bundle that hold the program and say how to run it.
func TestARecipeBecomesImages(t *testing.T) {
	from, work := checkout(t), t.TempDir()
	b, err := resolve(context.Background(), from, work, t.TempDir(), progress.Discard())
	require.NoError(t, err)
	img, err := b.Image("docker.io/meshgate/productpage:dev")
	require.NoError(t, err)
	file, err := img.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, v1.Config{
		Entrypoint: []string{"/app"}, Cmd: []string{"serve"}, Env: []string{searchPath, "STARS=black"}, User: "65532:65532",
		WorkingDir: "/", Labels: map[string]string{"made": "here"}, StopSignal: "SIGINT",
		ExposedPorts: map[string]struct{}{"9080/tcp": {}},
	}, file.Config)
	assert.Equal(t, "hello v7", run(t, img))

	entry, err := b.Entry("docker.io/meshgate/productpage:dev")
	require.NoError(t, err)
	assert.Equal(t, bundle.SourceBuild, entry.Source)
	assert.Equal(t, "dev", entry.Version)
	assert.Equal(t, "this checkout of meshgate", entry.Origin)
	inputs, err := New(Options{Checkout: from}).Inputs(component(t))
	require.NoError(t, err)
	assert.Equal(t, inputs, entry.Inputs)
	empty(t, work)
}

// run takes the program out of the image and runs it.
func run(t *testing.T, img v1.Image) string {
	t.Helper()
	layers, err := img.Layers()
	require.NoError(t, err)
	content, err := layers[0].Uncompressed()
	require.NoError(t, err)
	defer content.Close()
	program := filepath.Join(t.TempDir(), "app")
	for in := tar.NewReader(content); ; {
		h, err := in.Next()
		require.NoError(t, err, "there must be a file app")
		if h.Name != "app" {
			continue
		}
		raw, err := io.ReadAll(in)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(program, raw, os.FileMode(h.Mode)))
		out, err := exec.Command(program).CombinedOutput()
		require.NoError(t, err)
		return string(out)
	}
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left, "nothing temporary may be left")
}

// Two builds of the same sources give the same images.
func TestABuildCanBeRepeated(t *testing.T) {
	var digests []string
	for range 2 {
		b, err := resolve(context.Background(), checkout(t), t.TempDir(), t.TempDir(), progress.Discard())
		require.NoError(t, err)
		entry, err := b.Entry("docker.io/meshgate/agent:dev")
		require.NoError(t, err)
		digests = append(digests, entry.Digest)
	}
	assert.Equal(t, digests[0], digests[1])
}

func TestInputsCoverWhatIsCompiledAndNothingElse(t *testing.T) {
	from := checkout(t)
	inputs := func() string {
		t.Helper()
		digest, err := New(Options{Checkout: from}).Inputs(component(t))
		require.NoError(t, err)
		return digest
	}
	before := inputs()
	later := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(from, "app", "main.go"), later, later))
	put(t, from, "other/other.go", "package other // changed\n")
	put(t, from, "app/word/word_test.go", "package word // changed\n")
	put(t, from, "supply/recipes/apps/tools.go", "//go:build tools\n")
	raw, err := os.ReadFile(filepath.Join(from, "supply/recipes/apps/recipe.yaml"))
	require.NoError(t, err)
	put(t, from, "supply/recipes/apps/recipe.yaml", "# another comment\n"+string(raw))
	assert.Equal(t, before, inputs(), "times, tests, comments and packages that are not imported must not matter")

	for name, content := range map[string]string{
		"app/main.go":                     "package main\n\nimport _ \"meshgate/app/word\"\n\nfunc main() {}\n",
		"app/word/word.txt":               "good day ",
		"app/word/more.go":                "package word\n",
		"supply/recipes/apps/words":       "other words\n",
		"supply/recipes/apps/recipe.yaml": strings.Replace(string(raw), "main.version: v7", "main.version: v8", 1),
	} {
		put(t, from, name, content)
		after := inputs()
		assert.NotEqual(t, before, after, "%s must matter", name)
		before = after
	}
}

// A compiler error names the recipe, the package and the line.
func TestABrokenProgramIsNamed(t *testing.T) {
	from, work := checkout(t), t.TempDir()
	put(t, from, "app/main.go", "package main\n\nfunc main() { undefined() }\n")
	_, err := resolve(context.Background(), from, work, t.TempDir(), progress.Discard())
	require.ErrorContains(t, err, "build of apps")
	require.ErrorContains(t, err, "compiling meshgate/app")
	require.ErrorContains(t, err, "main.go:3:15: undefined: undefined")
	empty(t, work)
}

func TestWhereThereIsNoCheckoutNothingIsBuilt(t *testing.T) {
	nowhere := t.TempDir()
	s := New(Options{Checkout: nowhere})
	err := s.Available(context.Background(), component(t))
	require.ErrorContains(t, err, "no meshgate checkout found in "+nowhere)
	_, err = s.Inputs(component(t))
	require.ErrorContains(t, err, "no meshgate checkout found")
	put(t, nowhere, "go.mod", "module example.test/meshgate\n")
	require.ErrorContains(t, s.Available(context.Background(), component(t)), "no meshgate checkout found")
}

func TestARecipeMustMakeWhatTheCatalogueLists(t *testing.T) {
	from := checkout(t)
	s := New(Options{Checkout: from})
	require.NoError(t, s.Available(context.Background(), component(t)))
	other := component(t)
	other.Version = "v2"
	other.Images = append([]string{"docker.io/meshgate/more:dev"}, other.Images...)
	err := s.Available(context.Background(), other)
	require.ErrorContains(t, err, "version: the catalogue wants v2, the recipe makes dev")
	require.ErrorContains(t, err, "docker.io/meshgate/more:dev")
	require.ErrorIs(t, s.Available(context.Background(), bundle.Component{Name: "nothing"}), os.ErrNotExist)
}

func TestABuildThatHasNoRoomIsRefusedBeforeItBegins(t *testing.T) {
	from := checkout(t)
	path := filepath.Join(from, "supply", "recipes", "apps", "recipe.yaml")
	had, err := os.ReadFile(path)
	require.NoError(t, err)
	before, err := New(Options{Checkout: from}).Inputs(component(t))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(had, "\nroomGiB: 1000000\n"...), 0o600))
	s := New(Options{Checkout: from})
	require.ErrorContains(t, s.Available(t.Context(), component(t)), "disk for a build of apps: want 1000000 GiB free at ")
	after, err := s.Inputs(component(t))
	require.NoError(t, err)
	require.Equal(t, before, after, "nothing is made of it")
}

// Every component of the catalogue has a recipe in this checkout that makes it.
func TestTheRecipesOfThisCheckoutAreGood(t *testing.T) {
	s := New(Options{})
	for _, c := range bundle.Catalogue() {
		t.Run(c.Name, func(t *testing.T) {
			require.NoError(t, s.Available(context.Background(), c))
			inputs, err := s.Inputs(c)
			require.NoError(t, err)
			assert.Regexp(t, "^sha256:[0-9a-f]{64}$", inputs)
		})
	}
}

// The programs that recipes bring along keep what their own tests say. They belong to
// the recipes' modules, where `go test ./...` does not look.
func TestTheProgramsOfTheRecipesKeepTheirPromises(t *testing.T) {
	from, err := findCheckout("")
	require.NoError(t, err)
	tests, err := filepath.Glob(filepath.Join(from, "supply", "recipes", "*", "cmd", "*", "*_test.go"))
	require.NoError(t, err)
	require.NotEmpty(t, tests)
	for _, path := range tests {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			_, err := toolrun.Run(t.Context(), toolrun.Command{
				Dir: dir, Env: goEnv(recipe.Build{}),
				Args: []string{"go", "test", fromModules, "-trimpath", "-buildvcs=false", compilerFlags, "."},
			})
			require.NoError(t, err)
		})
	}
}

// What is planned is compiled ahead: the build itself then compiles nothing.
func TestWhatComesNextIsCompiledAhead(t *testing.T) {
	from := checkout(t)
	put(t, from, "app/word/fresh.go", fmt.Sprintf("package word\n\nconst Fresh = %d\n", time.Now().UnixNano()))
	s := New(Options{Checkout: from})
	s.Plan([]bundle.Component{{Name: "unknown"}, component(t)})
	require.Len(t, s.planned(), 1)
	idle := make(chan struct{})
	stop := s.ahead(context.Background(), idle)
	close(idle)
	compiled := &said{}
	_, err := wait.Until(context.Background(), wait.Deadline{Name: "compiled ahead", Within: time.Minute}, 100*time.Millisecond,
		func(ctx context.Context) error {
			_, r, err := s.recipe(component(t))
			if err != nil {
				return wait.Final(err)
			}
			out, err := toolrun.Run(ctx, toolrun.Command{Dir: from, Env: goEnv(r.Builds[0]), Args: append(
				[]string{"go", "list", "-trimpath", compilerFlags, "-f", "{{.Stale}}"}, "meshgate/app/word")})
			if err == nil && strings.TrimSpace(string(out)) != "false" {
				err = fmt.Errorf("the package is still to be compiled")
			}
			return err
		})
	require.NoError(t, err)
	stop()
	_, err = resolve(context.Background(), from, t.TempDir(), t.TempDir(), compiled)
	require.NoError(t, err)
	assert.NotContains(t, strings.Join(compiled.waiting, "\n"), "compiling meshgate/app/word")
}

// said remembers what was waited for.
type said struct {
	progress.Phase
	waiting []string
}

func (s *said) Begin(string) progress.Phase { return s }

func (s *said) Waiting(object string) { s.waiting = append(s.waiting, object) }
func (s *said) Note(string, ...any)   {}
func (s *said) End(error)             {}

// Working ahead ends with the component in hand.
func TestWorkingAheadEndsWhenItIsStopped(t *testing.T) {
	from := checkout(t)
	s := New(Options{Checkout: from})
	s.Plan([]bundle.Component{component(t)})
	s.ahead(context.Background(), nil)()
	ctx, cancel := context.WithCancel(context.Background())
	stop := s.ahead(ctx, nil)
	cancel()
	stop()
	assert.Empty(t, processesOf(t, from))
}

// interrupter ends a build as soon as it compiles something.
type interrupter struct {
	progress.Phase
	stop context.CancelFunc
}

func (i interrupter) Begin(string) progress.Phase { return i }

func (i interrupter) Waiting(object string) {
	if strings.HasPrefix(object, "compiling") {
		i.stop()
	}
}

// An interrupted build leaves no process, no folder and no line in the lock, and
// the next one succeeds.
func TestAnInterruptedBuildLeavesNothing(t *testing.T) {
	from, work, dir := checkout(t), t.TempDir(), t.TempDir()
	// A package of its own is surely not in the build cache yet.
	put(t, from, "app/word/fresh.go", fmt.Sprintf("package word\n\nconst Fresh = %d\n", time.Now().UnixNano()))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	_, err := resolve(ctx, from, work, dir, interrupter{Phase: progress.Discard().Begin(""), stop: stop})
	require.ErrorIs(t, err, context.Canceled)
	empty(t, work)
	assert.Empty(t, processesOf(t, work))
	_, err = bundle.Open(dir)
	require.ErrorIs(t, err, bundle.ErrNoBundle)

	_, err = resolve(context.Background(), from, work, dir, progress.Discard())
	require.NoError(t, err)
}

// processesOf are the processes that name the folder in their arguments.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var found []string
	for _, file := range files {
		// A process that has ended meanwhile is what is hoped for.
		if line, err := os.ReadFile(file); err == nil && strings.Contains(string(line), dir) {
			found = append(found, string(line))
		}
	}
	return found
}

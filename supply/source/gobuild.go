package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"meshgate/framework/machine"
	"meshgate/supply/source/recipe"
	"meshgate/supply/toolrun"
)

// goEnv is the environment of the Go command for b: nothing of the machine's own
// settings may change what comes out.
func goEnv(b recipe.Build) []string {
	cgo := "0"
	if b.CGO {
		cgo = "1"
	}
	return []string{"GOFLAGS=", "GOWORK=off", "GOOS=linux", "CGO_ENABLED=" + cgo}
}

// processes is how many packages are compiled at once: one of them waits for the disk.
func processes() int { return runtime.GOMAXPROCS(0) + 1 }

// buildEnv is goEnv with what makes compiling quicker and changes nothing.
func buildEnv(b recipe.Build) []string {
	free, err := machine.MemoryAvailable()
	if err != nil {
		return goEnv(b) // then the compiler's own judgement is better
	}
	return append(goEnv(b), memoryEnv(free, processes())...)
}

// tagList is the build's tags as the Go command takes them.
func tagList(b recipe.Build) string { return strings.Join(b.Tags, ",") }

func packages(b recipe.Build) []string {
	return slices.Compact(slices.Sorted(maps.Values(b.Programs)))
}

// compile runs the Go compiler once for all programs of b and says where each is.
func (j *job) compile(ctx context.Context, b recipe.Build) error {
	out, err := os.MkdirTemp(j.dir, "bin-")
	if err != nil {
		return err
	}
	targets, err := outputs(out, b)
	if err != nil {
		return err
	}
	if err := j.build(ctx, b, out); err != nil {
		return fmt.Errorf("compiling %s: %w", strings.Join(packages(b), ", "), err)
	}
	for name, file := range targets {
		j.programs.set(name, file)
	}
	return nil
}

// build compiles b where its module is, or in a copy that has the vendored files.
func (j *job) build(ctx context.Context, b recipe.Build, out string) (err error) {
	dir, from := j.recipe.ModuleDir(b.Module), fromModules
	if len(b.Vendored) > 0 {
		if dir, err = os.MkdirTemp(j.dir, "vendored-"); err != nil {
			return err
		}
		// It is larger than what is made of it, and nothing else needs it.
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		if err = j.vendor(ctx, b, dir); err != nil {
			return err
		}
		from = fromVendor
	}
	_, err = toolrun.Run(ctx, toolrun.Command{Dir: dir, Env: buildEnv(b), Args: buildArgs(out, from, b), Line: j.compiling()})
	return err
}

// Where the Go command takes the packages of other modules from. What is compiled is
// the same for its build cache.
const (
	fromModules = "-mod=readonly"
	fromVendor  = "-mod=vendor"
)

// compilerFlags leave out what debuggers need, which is half of every program, and
// inlining, which is a sixth of the compiler's time. The Makefile has the same: what
// meshgate and its recipes have in common is compiled once.
const compilerFlags = "-gcflags=all=-dwarf=false -l"

func buildArgs(out, from string, b recipe.Build) []string {
	flags := []string{"-s", "-w"}
	for _, name := range slices.Sorted(maps.Keys(b.Vars)) {
		flags = append(flags, "-X", fmt.Sprintf("'%s=%s'", name, b.Vars[name]))
	}
	args := []string{
		"go", "build", "-v", "-p", strconv.Itoa(processes()), from, "-trimpath", "-buildvcs=false",
		compilerFlags, "-ldflags=" + strings.Join(flags, " "),
	}
	return append(append(args, "-tags="+tagList(b), "-o", out+string(filepath.Separator)), packages(b)...)
}

// major is the last element of an import path that is only a version.
var major = regexp.MustCompile(`^v[0-9]+$`)

// outputs says which file the Go command makes for each program: it is named
// after the last element of the import path that is not a version.
func outputs(dir string, b recipe.Build) (map[string]string, error) {
	targets, taken := map[string]string{}, map[string]string{}
	for name, pkg := range b.Programs {
		base := path.Base(pkg)
		if major.MatchString(base) {
			base = path.Base(path.Dir(pkg))
		}
		if other, ok := taken[base]; ok && other != pkg {
			return nil, fmt.Errorf("programs %s and %s would both be compiled to %q: put them into two builds", other, pkg, base)
		}
		taken[base], targets[name] = pkg, filepath.Join(dir, base)
	}
	return targets, nil
}

// compiling reports the packages that `go build -v` names while it compiles, and
// the modules that it downloads.
func (j *job) compiling() func(string) bool {
	done := 0
	return func(line string) bool {
		if module, ok := strings.CutPrefix(line, "go: downloading "); ok {
			j.log.Waiting("downloading " + module)
			return true
		}
		if strings.ContainsAny(line, " \t:#") {
			return false
		}
		done++
		j.log.Waiting(fmt.Sprintf("compiling %s (package %d)", line, done))
		return true
	}
}

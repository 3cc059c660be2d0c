package source

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"meshgate/framework/progress"
	"meshgate/supply/source/layer"
	"meshgate/supply/source/recipe"
	"meshgate/supply/toolrun"
)

// job is one component being built, and what has been made of it so far.
type job struct {
	recipe *recipe.Recipe
	dir    string // everything temporary is in here
	log    progress.Phase

	programs made[string] // files, by program
	wheels   made[string] // files, by wheel
	rootfs   made[string] // tar files, by root file system
	layers   made[*layer.Layer]
	images   made[built]
}

// made is what steps that run side by side have made, by name.
type made[T any] struct {
	mu   *sync.Mutex
	byID map[string]T
}

func newMade[T any]() made[T] { return made[T]{mu: &sync.Mutex{}, byID: map[string]T{}} }

func (m made[T]) set(name string, value T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byID[name] = value
}

func (m made[T]) get(name string) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.byID[name]
	if !ok {
		return value, fmt.Errorf("%q was not made; there are %q", name, slices.Sorted(maps.Keys(m.byID)))
	}
	return value, nil
}

func newJob(r *recipe.Recipe, dir string, log progress.Phase) *job {
	return &job{
		recipe: r, dir: dir, log: log,
		programs: newMade[string](), wheels: newMade[string](), rootfs: newMade[string](),
		layers: newMade[*layer.Layer](), images: newMade[built](),
	}
}

// prepare makes everything that needs the machine's tools. The compiler, which
// keeps the processors busy, runs beside what mostly waits for the network.
func (j *job) prepare(ctx context.Context) error {
	if err := toolrun.Ensure(ctx, j.log.Note, tools(j.recipe)...); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return each(ctx, j.recipe.Builds, j.compile)
	})
	group.Go(func() error {
		if err := each(ctx, j.recipe.Wheels, j.download); err != nil {
			return err
		}
		return each(ctx, j.recipe.RootFS, j.assemble)
	})
	return group.Wait()
}

// each does one after the other.
func each[T any](ctx context.Context, all []T, do func(context.Context, T) error) error {
	for _, one := range all {
		if err := do(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// tools are what the recipe needs on this machine.
func tools(r *recipe.Recipe) []toolrun.Tool {
	var out []toolrun.Tool
	if len(r.RootFS) > 0 {
		out = append(out, toolrun.Mmdebstrap)
	}
	if len(r.Wheels) > 0 {
		out = append(out, toolrun.Pip)
	}
	for _, b := range r.Builds {
		if !b.CGO {
			continue
		}
		out = append(out, toolrun.Compiler, toolrun.PkgConfig)
		for _, name := range slices.Sorted(maps.Keys(b.Libraries)) {
			out = append(out, toolrun.Library(name, b.Libraries[name]))
		}
	}
	return out
}

// file is the path of a temporary file of the job.
func (j *job) file(elem ...string) string { return filepath.Join(append([]string{j.dir}, elem...)...) }

package source

import (
	"context"
	"os"

	"meshgate/framework/bundle"
	"meshgate/supply/source/recipe"
	"meshgate/supply/toolrun"
)

var _ bundle.Planner = (*Source)(nil)

// Plan notes what will be built next, to work ahead; see bundle.Planner.
func (s *Source) Plan(next []bundle.Component) { s.next = next }

// ahead works for the components that come next: it downloads their modules while
// this one keeps the processors busy, and compiles the first of them as soon as
// idle is closed. What it makes is in Go's caches; what fails is left to the
// build itself, which says so. stop ends it and returns when it has ended.
func (s *Source) ahead(ctx context.Context, idle <-chan struct{}) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	recipes, done := s.planned(), make(chan struct{})
	go func() {
		defer close(done)
		for _, r := range recipes {
			_ = each(ctx, r.Builds, func(ctx context.Context, b recipe.Build) error { return load(ctx, r, b) })
		}
		select {
		case <-idle:
		case <-ctx.Done():
		}
		if len(recipes) > 0 {
			r := recipes[0]
			_ = each(ctx, r.Builds, func(ctx context.Context, b recipe.Build) error { return warm(ctx, r, b) })
		}
	}()
	return func() { cancel(); <-done }
}

// planned are the recipes of what comes next, without those that cannot be read.
func (s *Source) planned() []*recipe.Recipe {
	var out []*recipe.Recipe
	for _, c := range s.next {
		if _, r, err := s.recipe(c); err == nil {
			out = append(out, r)
		}
	}
	return out
}

// load makes the Go command download what b is compiled from.
func load(ctx context.Context, r *recipe.Recipe, b recipe.Build) error {
	args := append([]string{"go", "list", "-deps", "-mod=readonly", "-tags=" + tagList(b), "-f", ""}, packages(b)...)
	_, err := toolrun.Run(ctx, toolrun.Command{Dir: r.ModuleDir(b.Module), Env: goEnv(b), Args: args})
	return err
}

// warm compiles b into Go's build cache and throws the programs away. Vendored files
// are left out: without them only the packages that get them, and what imports those,
// are left to the build itself.
func warm(ctx context.Context, r *recipe.Recipe, b recipe.Build) error {
	out, err := os.MkdirTemp("", "meshgate-ahead-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(out)
	_, err = toolrun.Run(ctx, toolrun.Command{
		Dir: r.ModuleDir(b.Module), Env: buildEnv(b), Args: buildArgs(out, fromModules, b),
	})
	return err
}

// Package source makes components of the bundle on this machine, out of what the
// package registries serve: Go modules, packages of the machine's distribution
// and Python wheels. What a component is made of is said by the recipes in the
// folder supply/recipes of the checkout; no container engine is needed.
package source

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
	"meshgate/supply/source/recipe"
)

// recipes is the folder of the recipes in a checkout.
const recipes = "supply/recipes"

// Options say where to build. All may be empty.
type Options struct {
	// Checkout is a folder inside the checkout of meshgate; empty means the
	// working directory.
	Checkout string
	// WorkDir is where temporary folders are made, on a disk with room for a
	// component twice; empty means the user's cache folder.
	WorkDir string
}

// Source builds components by their recipes. It implements bundle.Source.
type Source struct {
	options Options
	next    []bundle.Component
}

var _ bundle.Source = (*Source)(nil)

// New returns a source that builds.
func New(o Options) *Source { return &Source{options: o} }

// Name is "source".
func (s *Source) Name() string { return bundle.SourceBuild }

// Available says whether c can be built here: whether this is a checkout with a
// recipe for it, whether there is a Go compiler, and room for what it makes. Other tools are installed,
// or asked for, when the build begins.
func (s *Source) Available(ctx context.Context, c bundle.Component) error {
	_, r, err := s.recipe(c)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("no Go compiler found (%w): install Go, see go.mod for the version", err)
	}
	return room(ctx, r)
}

// Inputs is the digest of the recipe of c: its files, with the go.sum that pins
// every module, and for programs of the checkout itself their own sources.
func (s *Source) Inputs(c bundle.Component) (string, error) {
	checkout, r, err := s.recipe(c)
	if err != nil {
		return "", err
	}
	return inputs(context.Background(), checkout, r)
}

// Fetch builds c and writes its images and files. Programs stay in the Go build
// cache, so that what was compiled before an interruption is not compiled again.
func (s *Source) Fetch(ctx context.Context, c bundle.Component, w bundle.Writer, log progress.Phase) (err error) {
	checkout, r, err := s.recipe(c)
	if err != nil {
		return err
	}
	digest, err := inputs(ctx, checkout, r)
	if err != nil {
		return err
	}
	dir, remove, err := s.workDir(c.Name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	idle := make(chan struct{})
	defer s.ahead(ctx, idle)()
	j := newJob(r, dir, log)
	if err := j.prepare(ctx); err != nil {
		return fmt.Errorf("build of %s: %w", c.Name, err)
	}
	close(idle)
	if err := j.deliver(ctx, c, digest, w); err != nil {
		return fmt.Errorf("build of %s: %w", c.Name, err)
	}
	return nil
}

// recipe finds the checkout and reads the recipe of c.
func (s *Source) recipe(c bundle.Component) (checkout string, _ *recipe.Recipe, err error) {
	checkout, err = findCheckout(s.options.Checkout)
	if err != nil {
		return "", nil, err
	}
	r, err := recipe.Load(filepath.Join(checkout, recipes, c.Name))
	if err != nil {
		return "", nil, err
	}
	return checkout, r, agrees(r, c)
}

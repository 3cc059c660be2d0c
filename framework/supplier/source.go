package supplier

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
)

// Commands of meshgate-bundle, with their flags.
const (
	FillCommand      = "fill"      // builds components into a bundle
	AvailableCommand = "available" // fails with the reason why a component cannot be built here
	InputsCommand    = "inputs"    // tells what a component would be built from
	EngineCommand    = "engine"    // starts or installs a container engine

	DirFlag     = "--dir"     // of fill: the bundle's folder
	NextFlag    = "--next"    // of fill: the components that will be asked for next
	EngineFlag  = "--engine"  // of engine: the engine that is wanted
	InstallFlag = "--install" // of engine: whether one may be installed
)

// Source is a bundle.Source whose components meshgate-bundle builds. Each is built into
// a bundle of its own, the staging bundle, and taken from there: so the two processes
// never wait for each other's locks.
type Source struct {
	program Program
	staging string
	next    []bundle.Component
}

var (
	_ bundle.Source  = (*Source)(nil)
	_ bundle.Planner = (*Source)(nil)
)

// Source returns a source for the bundle in dir. The staging bundle is a folder of it,
// and so on the same file system, where files are linked instead of copied.
func (p Program) Source(dir string) *Source {
	return &Source{program: p, staging: filepath.Join(dir, "staging")}
}

// Name is "source".
func (s *Source) Name() string { return bundle.SourceBuild }

// Plan notes what will be built next, so that the program can work ahead.
func (s *Source) Plan(next []bundle.Component) { s.next = next }

// Available says whether the program is there, and what it says of c.
func (s *Source) Available(ctx context.Context, c bundle.Component) error {
	_, err := s.program.run(ctx, progress.Discard().Begin(""), AvailableCommand, c.Name)
	return err
}

// Inputs is the digest of what the program would build c from. Without the program
// nobody can say, and what is cached stays good.
func (s *Source) Inputs(c bundle.Component) (string, error) {
	return s.program.run(context.Background(), progress.Discard().Begin(""), InputsCommand, c.Name)
}

// Fetch has c built into the staging bundle and puts it into w. The writer's lock is
// held meanwhile, so nobody else uses this staging bundle; what an earlier meshgate that
// was killed had finished there is taken.
func (s *Source) Fetch(ctx context.Context, c bundle.Component, w bundle.Writer, log progress.Phase) (err error) {
	defer func() { err = errors.Join(err, os.RemoveAll(s.staging)) }()
	args := []string{FillCommand, DirFlag, s.staging}
	if len(s.next) > 0 {
		args = append(args, NextFlag, names(s.next))
	}
	if _, err := s.program.run(ctx, log, append(args, c.Name)...); err != nil {
		return err
	}
	staged, err := bundle.Open(s.staging)
	if err != nil {
		return err
	}
	defer staged.Close()
	for _, e := range staged.Entries(c.Name) {
		log.Waiting("taking over " + e.Name)
		if err := take(e, staged, w); err != nil {
			return err
		}
	}
	return nil
}

// take puts one artefact of the staging bundle into w.
func take(e bundle.Entry, staged *bundle.Bundle, w bundle.Writer) error {
	if e.Kind == bundle.KindFiles {
		tree, err := staged.Files(e.Name)
		if err != nil {
			return err
		}
		return w.Files(e, tree)
	}
	img, err := staged.Image(e.Name)
	if err != nil {
		return err
	}
	return w.Image(e, img)
}

func names(components []bundle.Component) string {
	var out []string
	for _, c := range components {
		out = append(out, c.Name)
	}
	return strings.Join(out, ",")
}

package bundle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"meshgate/framework/progress"
)

// fetch asks the sources in turn and commits the component when it is whole.
// why says why what is cached does not do.
func (r *resolver) fetch(ctx context.Context, c Component, why error, phase progress.Phase) error {
	var refused []error
	for _, s := range r.candidates(c) {
		err := s.Available(ctx, c)
		if err == nil {
			phase.Note("%s: %s: %s", c.Name, verb(s), reasons(append(slices.Clone(refused), why)))
			err = r.fetchFrom(ctx, s, c)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s from %s: %w", c.Name, s.Name(), errors.Join(ctx.Err(), err))
		}
		refused = append(refused, fmt.Errorf("%s %w", s.Name(), err))
	}
	if len(refused) == 0 {
		refused = append(refused, fmt.Errorf("the chosen source is %q and there is no source of that kind", r.chosen))
	}
	return &Unresolved{Component: c.Name, Causes: append(refused, why)}
}

// Unresolved says that no source could deliver a component, and why not each.
type Unresolved struct {
	Component string
	Causes    []error
}

func (u *Unresolved) Error() string {
	return fmt.Sprintf("%s cannot be had: %s; next: reach a registry (--registry-mirror HOST), run inside a meshgate checkout, "+
		"or `meshgate bundle load FILE` with a bundle saved elsewhere", u.Component, reasons(u.Causes))
}

// Unwrap gives every cause to errors.Is and errors.As.
func (u *Unresolved) Unwrap() []error { return u.Causes }

// candidates are the sources to ask for c, in order. The chosen one alone, but
// for our own applications, which no registry has.
func (r *resolver) candidates(c Component) []Source {
	var first, rest []Source
	for _, s := range r.sources {
		switch {
		case r.chosen == SourceCached:
		case r.chosen == SourceAuto || s.Name() == r.chosen:
			first = append(first, s)
		case c.Own:
			rest = append(rest, s)
		}
	}
	return append(first, rest...)
}

// fetchFrom lets s deliver c in a phase of its own.
func (r *resolver) fetchFrom(ctx context.Context, s Source, c Component) error {
	r.plan(s)
	phase := r.log.Begin("bundle " + c.Name + " (" + s.Name() + ")")
	err := r.deliver(ctx, s, c, phase)
	phase.End(err)
	return err
}

func (r *resolver) deliver(ctx context.Context, s Source, c Component, phase progress.Phase) error {
	inputs, err := s.Inputs(c)
	if err != nil {
		return err
	}
	w := newWriter(r.store, r.lock, c, s.Name(), inputs)
	if err := s.Fetch(ctx, c, w, phase); err != nil {
		return err
	}
	entries, err := w.finished()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Contains != "" {
			phase.Note("%s contains %s", e.Name, e.Contains)
		}
	}
	l := r.lock.with(c.Name, entries, spares(s, c))
	if err := r.store.commit(l); err != nil {
		return err
	}
	r.lock, r.changed = l, true
	return nil
}

func spares(s Source, c Component) map[string]string {
	if sparer, ok := s.(Sparer); ok {
		return sparer.Spares(c)
	}
	return nil
}

// verb says what taking a component from s is.
func verb(s Source) string {
	switch s.Name() {
	case SourceRegistry:
		return "pulled from the registry"
	case SourceBuild:
		return "built from source"
	case SourceArchive:
		return "taken from the archive"
	}
	return "taken from " + s.Name()
}

func reasons(errs []error) string {
	words := make([]string, 0, len(errs))
	for _, err := range errs {
		words = append(words, err.Error())
	}
	return strings.Join(words, "; ")
}

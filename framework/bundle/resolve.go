package bundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"meshgate/framework/progress"
)

// DefaultDir is the bundle's place when nobody names one: meshgate/bundle in
// the user's cache folder.
func DefaultDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("bundle: no place for it (%w): name one with --bundle-dir", err)
	}
	return filepath.Join(cache, "meshgate", "bundle"), nil
}

// Resolve makes sure that the bundle holds the wanted components and opens it;
// no names mean all that are not optional. What is cached is taken; the rest is
// fetched, with `auto` from the first of o.Sources that can deliver, else from
// the chosen one. Every decision is told to o.Log with its reason. A component
// is recorded when it is whole: what was finished before an error or the end of
// ctx stays, and the next call goes on from there.
func Resolve(ctx context.Context, o Options, want []string) (*Bundle, error) {
	r, err := newResolver(o)
	if err != nil {
		return nil, err
	}
	components, err := selected(want)
	if err != nil {
		return nil, err
	}
	phase := r.log.Begin("bundle")
	err = r.run(ctx, components, phase)
	phase.End(err)
	if err != nil {
		return nil, err
	}
	return Open(r.store.dir)
}

// resolver carries one call of Resolve.
type resolver struct {
	store   store
	chosen  string
	sources []Source
	fresh   freshness
	log     progress.Log
	lock    Lock
	next    []Component // what follows the one in hand
	changed bool
}

func newResolver(o Options) (*resolver, error) {
	if o.Log == nil {
		o.Log = progress.Discard()
	}
	r := &resolver{store: store{dir: o.Dir}, chosen: cmp.Or(o.Source, SourceAuto), sources: o.Sources, log: o.Log}
	valid := []string{SourceAuto, SourceCached, SourceRegistry, SourceBuild, SourceArchive}
	if !slices.Contains(valid, r.chosen) {
		return nil, fmt.Errorf("bundle source: want one of %s, got %q", strings.Join(valid, ", "), r.chosen)
	}
	if r.store.dir == "" {
		dir, err := DefaultDir()
		if err != nil {
			return nil, err
		}
		r.store.dir = dir
	}
	r.fresh = freshness{chosen: r.chosen, sources: r.sources, said: map[opinionOf]opinion{}}
	return r, nil
}

// run asks for the right to write only when something has to be fetched.
func (r *resolver) run(ctx context.Context, components []Component, phase progress.Phase) error {
	if err := r.load(); err != nil {
		return err
	}
	if !r.missing(components) {
		return r.each(ctx, components, phase)
	}
	release, err := hold(ctx, r.store.dir, phase)
	if err != nil {
		return err
	}
	defer release()
	if err := r.store.prepare(); err != nil {
		return err
	}
	// Whoever was here before us may have fetched what we want.
	if err := r.load(); err != nil {
		return err
	}
	if err := r.each(ctx, components, phase); err != nil {
		return err
	}
	return r.tidy(phase)
}

func (r *resolver) load() error {
	l, err := readLock(r.store.dir)
	if errors.Is(err, ErrNoBundle) {
		l, err = newLock(), nil
	}
	r.lock = l
	return err
}

func (r *resolver) missing(components []Component) bool {
	return slices.ContainsFunc(components, func(c Component) bool {
		_, spared := r.lock.spared(c.Name)
		return !spared && r.unusable(c) != nil
	})
}

// unusable is the reason why c must be fetched, or nil if it is cached.
func (r *resolver) unusable(c Component) error {
	if err := r.store.whole(r.lock, c); err != nil {
		return err
	}
	return r.fresh.stale(c, r.lock.of(c.Name))
}

func (r *resolver) each(ctx context.Context, components []Component, phase progress.Phase) error {
	for i, c := range components {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("bundle: %s: %w", c.Name, err)
		}
		r.next = components[i+1:]
		if err := r.one(ctx, c, phase); err != nil {
			return err
		}
	}
	return nil
}

// plan tells s what it will most likely be asked for next.
func (r *resolver) plan(s Source) {
	planner, ok := s.(Planner)
	if !ok {
		return
	}
	var due []Component
	for _, c := range r.next {
		if _, spared := r.lock.spared(c.Name); !spared && r.unusable(c) != nil {
			due = append(due, c)
		}
	}
	planner.Plan(due)
}

func (r *resolver) one(ctx context.Context, c Component, phase progress.Phase) error {
	if s, ok := r.lock.spared(c.Name); ok {
		phase.Note("%s: not needed: %s", c.Name, s.Reason)
		return nil
	}
	why := r.unusable(c)
	if why == nil {
		phase.Note("%s: cached (%s)", c.Name, provenance(r.lock.of(c.Name)))
		return nil
	}
	phase.Waiting(c.Name)
	return r.fetch(ctx, c, why, phase)
}

// provenance is where the entries of a component came from, in short.
func provenance(entries []Entry) string {
	var sources []string
	for _, e := range entries {
		if !slices.Contains(sources, e.Source) {
			sources = append(sources, e.Source)
		}
	}
	return "from " + strings.Join(sources, " and ")
}

// tidy removes what a change has left behind. That it could not is worth a
// word, not a failure: the bundle is complete.
func (r *resolver) tidy(phase progress.Phase) error {
	if !r.changed {
		return nil
	}
	if err := r.store.collect(r.lock, phase); err != nil {
		phase.Note("blobs that are no longer needed stay: %v", err)
	}
	return nil
}

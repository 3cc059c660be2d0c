package bundle

import (
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// whole is the reason why the lock's component c cannot be used, or nil: every
// artefact is in the lock, and every blob is there with the right size.
func (s store) whole(l Lock, c Component) error {
	if len(l.of(c.Name)) == 0 {
		return fmt.Errorf("nothing cached")
	}
	for _, name := range c.names() {
		e, ok := l.entry(name)
		if !ok || e.Component != c.Name {
			return fmt.Errorf("what is cached lacks %s", name)
		}
		if err := s.entryWhole(e); err != nil {
			return fmt.Errorf("what is cached is damaged: %w", err)
		}
	}
	return nil
}

func (s store) entryWhole(e Entry) error {
	blobs, err := s.blobsOf(e)
	if err != nil {
		return err
	}
	for _, d := range blobs {
		if err := s.sized(v1.Descriptor{Digest: d.Digest, Size: d.Size}); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return nil
}

// freshness compares what a component was made from with what the sources
// would make it from now.
type freshness struct {
	chosen  string // Options.Source
	sources []Source
	said    map[opinionOf]opinion // by the sources, each asked once: one may have to run the compiler for it
}

type opinionOf struct{ source, component string }

// opinion is what a source makes a component from, or why it cannot say.
type opinion struct {
	inputs string
	err    error
}

// of is what a source says of a component.
func (f freshness) of(s Source, c Component) opinion {
	key := opinionOf{s.Name(), c.Name}
	o, asked := f.said[key]
	if !asked {
		o.inputs, o.err = s.Inputs(c)
		f.said[key] = o
	}
	return o
}

// stale is the reason why the entries of c may not be used as they are, or nil.
func (f freshness) stale(c Component, entries []Entry) error {
	if f.chosen == SourceCached {
		return nil
	}
	for _, e := range entries {
		if err := f.staleEntry(c, e); err != nil {
			return err
		}
	}
	return nil
}

func (f freshness) staleEntry(c Component, e Entry) error {
	switch {
	case f.chosen == SourceArchive && !c.Own:
		return f.differs(c, e, SourceArchive)
	case f.chosen == SourceRegistry && !c.Own && !f.fromRegistry(c, e):
		return fmt.Errorf("what is cached comes from %s (%s)", e.Source, e.Origin)
	case e.Source == SourceArchive:
		// Whoever saved the archive pulled or built: either may vouch for it.
		return f.differs(c, e, SourceRegistry, SourceBuild, SourceArchive)
	}
	return f.differs(c, e, e.Source)
}

// fromRegistry tells whether e is what the registry would deliver, perhaps by
// way of an archive.
func (f freshness) fromRegistry(c Component, e Entry) bool {
	if e.Source == SourceRegistry {
		return true
	}
	inputs, _ := f.opinions(c, SourceRegistry)
	return slices.Contains(inputs, e.Inputs)
}

// differs is nil if one of the named sources would make e from the same inputs,
// or if one of them cannot say: what is there then stays good.
func (f freshness) differs(c Component, e Entry, makers ...string) error {
	inputs, silent := f.opinions(c, makers...)
	if silent || len(inputs) == 0 || slices.Contains(inputs, e.Inputs) {
		return nil
	}
	return fmt.Errorf("%s is cached, but what it is made from has changed", e.Name)
}

// opinions are the inputs of the named sources; silent if one of them cannot say.
func (f freshness) opinions(c Component, names ...string) (inputs []string, silent bool) {
	for _, s := range f.sources {
		if !slices.Contains(names, s.Name()) {
			continue
		}
		switch o := f.of(s, c); {
		case o.err != nil:
			silent = true
		case o.inputs != "":
			inputs = append(inputs, o.inputs)
		}
	}
	return inputs, silent
}

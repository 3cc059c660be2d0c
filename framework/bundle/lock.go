package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// SchemaVersion is that of the lock files this program writes.
const SchemaVersion = 1

const lockFile = "lock.json"

// The ways in which there may be no bundle to use; test with errors.Is.
var (
	ErrNoBundle = errors.New("no bundle")
	ErrCorrupt  = errors.New("corrupt bundle")
	ErrNewer    = errors.New("bundle of a newer meshgate")
	ErrPlatform = errors.New("bundle for another platform")
)

// Platform is what images in a bundle of this machine are for, "linux/amd64":
// the nodes are Linux whatever the host is.
func Platform() string { return "linux/" + runtime.GOARCH }

func newLock() Lock {
	return Lock{Schema: SchemaVersion, Platform: Platform(), Entries: []Entry{}}
}

// readLock reads the lock of the bundle in dir; ErrNoBundle if there is none.
func readLock(dir string) (Lock, error) {
	path := filepath.Join(dir, lockFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Lock{}, fmt.Errorf("%w in %s: `meshgate up` fills it, `meshgate bundle load FILE` takes it from a file", ErrNoBundle, dir)
	}
	if err != nil {
		return Lock{}, fmt.Errorf("bundle: %w", err)
	}
	return parseLock(raw, path)
}

// parseLock reads a lock; where names the file for its errors.
func parseLock(raw []byte, where string) (Lock, error) {
	var head struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(raw, &head); err != nil || head.Schema < 1 {
		return Lock{}, fmt.Errorf("%w: %s is not a lock (schema %d, %v): remove it and run `meshgate up`", ErrCorrupt, where, head.Schema, err)
	}
	if head.Schema > SchemaVersion {
		return Lock{}, fmt.Errorf("%w: %s has schema %d, this one reads up to %d: use the newer meshgate, or another --bundle-dir",
			ErrNewer, where, head.Schema, SchemaVersion)
	}
	var l Lock
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return Lock{}, fmt.Errorf("%w: %s: %w", ErrCorrupt, where, err)
	}
	return l, l.check(where)
}

// check refuses a lock that this machine cannot use or that contradicts itself.
func (l Lock) check(where string) error {
	if l.Platform != Platform() {
		return fmt.Errorf("%w: %s is for %s, this machine needs %s: save the bundle on a machine like this one", ErrPlatform, where, l.Platform, Platform())
	}
	seen := map[string]bool{}
	for _, e := range l.Entries {
		if _, err := v1.NewHash(e.Digest); err != nil || e.Name == "" || e.Component == "" {
			return fmt.Errorf("%w: %s: entry %q of %q has digest %q", ErrCorrupt, where, e.Name, e.Component, e.Digest)
		}
		if seen[e.Name] {
			return fmt.Errorf("%w: %s has %s twice", ErrCorrupt, where, e.Name)
		}
		seen[e.Name] = true
	}
	return nil
}

// encode is the lock as it is written: stable, so that equal bundles have equal locks.
func (l Lock) encode() ([]byte, error) {
	raw, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode lock: %w", err)
	}
	return append(raw, '\n'), nil
}

// of are the entries of one component.
func (l Lock) of(component string) []Entry {
	var out []Entry
	for _, e := range l.Entries {
		if e.Component == component {
			out = append(out, e)
		}
	}
	return out
}

func (l Lock) entry(name string) (Entry, bool) {
	i := slices.IndexFunc(l.Entries, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		return Entry{}, false
	}
	return l.Entries[i], true
}

// spared tells whether component is not needed, and why.
func (l Lock) spared(component string) (Spared, bool) {
	i := slices.IndexFunc(l.Spared, func(s Spared) bool { return s.Component == component })
	if i < 0 || len(l.of(l.Spared[i].By)) == 0 {
		return Spared{}, false
	}
	return l.Spared[i], true
}

// with returns the lock after component was replaced by entries, which make the
// components in spares needless: those leave the lock, and so does what the
// former entries spared.
func (l Lock) with(component string, entries []Entry, spares map[string]string) Lock {
	out := Lock{Schema: SchemaVersion, Platform: l.Platform, Entries: []Entry{}}
	for _, e := range l.Entries {
		if _, gone := spares[e.Component]; e.Component != component && !gone {
			out.Entries = append(out.Entries, e)
		}
	}
	out.Entries = append(out.Entries, entries...)
	for _, s := range l.Spared {
		if s.By != component && s.Component != component {
			out.Spared = append(out.Spared, s)
		}
	}
	for name, reason := range spares {
		out.Spared = append(out.Spared, Spared{Component: name, By: component, Reason: reason})
	}
	out.sort()
	return out
}

// only returns the part of the lock about the named components; none mean all.
func (l Lock) only(components []string) Lock {
	out := Lock{Schema: l.Schema, Platform: l.Platform, Entries: []Entry{}}
	keep := func(name string) bool { return len(components) == 0 || slices.Contains(components, name) }
	for _, e := range l.Entries {
		if keep(e.Component) {
			out.Entries = append(out.Entries, e)
		}
	}
	for _, s := range l.Spared {
		if keep(s.By) {
			out.Spared = append(out.Spared, s)
		}
	}
	return out
}

// components are the names of the components in the lock, in its order.
func (l Lock) components() []string {
	var out []string
	for _, e := range l.Entries {
		if !slices.Contains(out, e.Component) {
			out = append(out, e.Component)
		}
	}
	return out
}

// spares is what component spares in this lock, as with wants it.
func (l Lock) spares(component string) map[string]string {
	out := map[string]string{}
	for _, s := range l.Spared {
		if s.By == component {
			out[s.Component] = s.Reason
		}
	}
	return out
}

package bundle

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Bundle is an open bundle: what its lock said when it was opened. Its blobs
// stay in place until Close or the end of the process. It is safe for
// concurrent use.
type Bundle struct {
	store   store
	lock    Lock
	release func()
}

// Open opens the bundle in dir; empty means DefaultDir. The error is ErrNoBundle
// if there is none, ErrCorrupt if its lock cannot be read, and ErrNewer if a
// newer meshgate wrote it. Only the lock is read: Verify reads the content.
func Open(dir string) (*Bundle, error) {
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return nil, err
		}
	}
	// A first look, so that nothing is made where no bundle is.
	if _, err := readLock(dir); err != nil {
		return nil, err
	}
	release, err := use(dir)
	if err != nil {
		return nil, err
	}
	l, err := readLock(dir)
	if err != nil {
		release()
		return nil, err
	}
	return &Bundle{store: store{dir: dir}, lock: l, release: release}, nil
}

// Close says that the bundle is no longer read, so that blobs that nothing
// needs may be removed. Images taken from it must not be read afterwards.
func (b *Bundle) Close() { b.release() }

// Dir is the bundle's folder.
func (b *Bundle) Dir() string { return b.store.dir }

// Lock is what is inside.
func (b *Bundle) Lock() Lock { return b.lock.only(nil) }

// Entry is the lock's line for an artefact by its name. The error names what is
// missing, what there is instead, and what to run.
func (b *Bundle) Entry(name string) (Entry, error) {
	if e, ok := b.lock.entry(name); ok {
		return e, nil
	}
	component, hint := "", ""
	for _, c := range Catalogue() {
		if slices.Contains(c.names(), name) {
			component, hint = c.Name, " of component "+c.Name
		}
	}
	if s, ok := b.lock.spared(component); ok {
		return Entry{}, fmt.Errorf("bundle %s has no %s%s: not needed: %s", b.store.dir, name, hint, s.Reason)
	}
	return Entry{}, fmt.Errorf("bundle %s has no %s%s; it holds %s: `meshgate up` fetches what a run needs",
		b.store.dir, name, hint, strings.Join(append(b.lock.components(), "nothing else"), ", "))
}

// Entries are the lock's lines of one component; none if it is not there.
func (b *Bundle) Entries(component string) []Entry { return b.lock.of(component) }

// Spared tells whether a component is not needed with what the bundle holds,
// and why: with the registry's node image, calico is not.
func (b *Bundle) Spared(component string) (reason string, ok bool) {
	s, ok := b.lock.spared(component)
	return s.Reason, ok
}

// Image is the image of that upstream name, fully written.
func (b *Bundle) Image(name string) (v1.Image, error) {
	e, err := b.Entry(name)
	if err != nil {
		return nil, err
	}
	if e.Kind != KindImage {
		return nil, fmt.Errorf("bundle: %s is %s, not an image", name, e.Kind)
	}
	return b.open(e)
}

// open gives the image of e after a look at its blobs, so that a damaged bundle
// is told here and not by an engine in the middle of a load.
func (b *Bundle) open(e Entry) (v1.Image, error) {
	if err := b.store.entryWhole(e); err != nil {
		return nil, fmt.Errorf("%w: %s: %w: `meshgate up` fetches it again", ErrCorrupt, b.store.dir, err)
	}
	h, err := v1.NewHash(e.Digest)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, e.Name, err)
	}
	return b.store.image(h)
}

// Files is the tree of files of that name, in memory: a chart has Chart.yaml at
// its root, a manifest is one file by its base name.
func (b *Bundle) Files(name string) (fs.FS, error) {
	e, err := b.Entry(name)
	if err != nil {
		return nil, err
	}
	if e.Kind != KindFiles {
		return nil, fmt.Errorf("bundle: %s is %s, not files", name, e.Kind)
	}
	img, err := b.open(e)
	if err != nil {
		return nil, err
	}
	fsys, err := filesOf(img)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, name, err)
	}
	return fsys, nil
}

// Manifest is the content of a one-file artefact such as
// "manifests/metallb-native.yaml".
func (b *Bundle) Manifest(name string) ([]byte, error) {
	fsys, err := b.Files(name)
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(fsys, path.Base(name))
}

package bundle

import (
	"cmp"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// writer collects the artefacts of one component; see Writer.
type writer struct {
	store     store
	lock      Lock // as it was before this component
	component Component
	source    string
	inputs    string

	mu      sync.Mutex
	entries map[string]Entry
}

func newWriter(s store, l Lock, c Component, source, inputs string) *writer {
	return &writer{store: s, lock: l, component: c, source: source, inputs: inputs, entries: map[string]Entry{}}
}

// Image implements Writer.
func (w *writer) Image(e Entry, img v1.Image) error {
	if err := w.accept(e.Name, KindImage); err != nil {
		return err
	}
	if err := checkPlatform(e.Name, img); err != nil {
		return err
	}
	return w.add(e, KindImage, img)
}

// Files implements Writer.
func (w *writer) Files(e Entry, fsys fs.FS) error {
	if err := w.accept(e.Name, KindFiles); err != nil {
		return err
	}
	img, err := filesImage(fsys)
	if err != nil {
		return fmt.Errorf("%s: %w", e.Name, err)
	}
	return w.add(e, KindFiles, img)
}

// Have implements Writer.
func (w *writer) Have(name string) (v1.Image, bool) {
	e, ok := w.lock.entry(name)
	if !ok || e.Kind != KindImage {
		return nil, false
	}
	h, err := v1.NewHash(e.Digest)
	if err != nil {
		return nil, false
	}
	img, err := w.store.image(h)
	return img, err == nil
}

func (w *writer) accept(name string, kind Kind) error {
	want, err := w.component.kindOf(name)
	if err == nil && want != kind {
		err = fmt.Errorf("%s is of kind %s, got %s", name, want, kind)
	}
	return err
}

func (w *writer) add(e Entry, kind Kind, img v1.Image) error {
	if err := w.trust(e, img); err != nil {
		return err
	}
	digest, size, err := w.store.putImage(img)
	if err != nil {
		return fmt.Errorf("%s: %w", e.Name, err)
	}
	e.Component, e.Kind, e.Digest, e.Size = w.component.Name, kind, digest.String(), size
	e.Source = cmp.Or(e.Source, w.source)
	e.Version = cmp.Or(e.Version, w.component.Version)
	e.Inputs = cmp.Or(e.Inputs, w.inputs)
	w.record(e)
	return nil
}

func (w *writer) record(e Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries[e.Name] = e
}

// trust holds a registry to what it delivered under this name the first time:
// a tag that leads elsewhere later is refused before anything of it is stored.
func (w *writer) trust(e Entry, img v1.Image) error {
	before, ok := w.lock.entry(e.Name)
	if !ok || w.source != SourceRegistry || before.Source != SourceRegistry || before.Inputs != w.inputs {
		return nil
	}
	got, err := img.Digest()
	if err != nil {
		return fmt.Errorf("%s: %w", e.Name, err)
	}
	if got.String() != before.Digest && before.Kind == KindImage {
		return fmt.Errorf("%s: the registry's tag has moved: want %s as at the first pull, got %s; to trust the new one remove its line from %s",
			e.Name, before.Digest, got, lockFile)
	}
	return nil
}

// finished are the component's entries, if it is whole.
func (w *writer) finished() ([]Entry, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Entry
	var missing []string
	for _, name := range w.component.names() {
		e, ok := w.entries[name]
		if !ok {
			missing = append(missing, name)
			continue
		}
		out = append(out, e)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s: %s did not deliver %s; nothing of it is recorded", w.component.Name, w.source, strings.Join(missing, ", "))
	}
	return out, nil
}

// checkPlatform refuses an image for another machine. An image that does not
// say what it is for is taken.
func checkPlatform(name string, img v1.Image) error {
	config, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("%s: config: %w", name, err)
	}
	if got := config.OS + "/" + config.Architecture; config.Architecture != "" && got != Platform() {
		return fmt.Errorf("%s: want an image for %s, got %s", name, Platform(), got)
	}
	return nil
}

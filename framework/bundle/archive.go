package bundle

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"meshgate/framework/progress"
)

// Archive is the Source that takes components from the file at path, which
// `meshgate bundle save` wrote. The lock keeps in Origin and Inputs what the saver had.
func Archive(path string) Source { return &archive{path: path} }

type archive struct{ path string }

func (a *archive) Name() string { return SourceArchive }

func (a *archive) lock(ctx context.Context) (Lock, error) {
	var l Lock
	err := readArchive(ctx, a.path, func(_ *tar.Reader, all Lock) error {
		l = all
		return errLockOnly
	})
	if errors.Is(err, errLockOnly) {
		err = nil
	}
	return l, err
}

// Available implements Source.
func (a *archive) Available(ctx context.Context, c Component) error {
	l, err := a.lock(ctx)
	if err != nil {
		return err
	}
	for _, name := range c.names() {
		if !slices.ContainsFunc(l.of(c.Name), func(e Entry) bool { return e.Name == name }) {
			return fmt.Errorf("%s has no %s; it holds %s", a.path, name, strings.Join(l.components(), ", "))
		}
	}
	return nil
}

// Inputs implements Source: those that the saver recorded.
func (a *archive) Inputs(c Component) (string, error) {
	l, err := a.lock(context.Background())
	if err != nil || len(l.of(c.Name)) == 0 {
		return "", err
	}
	return l.of(c.Name)[0].Inputs, nil
}

// Spares implements Sparer: what the saver's bundle spared.
func (a *archive) Spares(c Component) map[string]string {
	l, err := a.lock(context.Background())
	if err != nil {
		return nil
	}
	return l.spares(c.Name)
}

// Fetch implements Source.
func (a *archive) Fetch(ctx context.Context, c Component, w Writer, log progress.Phase) error {
	own, ok := w.(*writer)
	if !ok {
		return fmt.Errorf("an archive can only be read into a bundle, not into %T", w)
	}
	l, err := unpack(ctx, a.path, own.store, []string{c.Name}, log)
	if err != nil {
		return err
	}
	for _, e := range l.Entries {
		own.record(e)
	}
	return nil
}

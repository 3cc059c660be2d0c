package bundle

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"meshgate/framework/progress"
)

// collect removes the blobs that the lock does not lead to. The caller holds
// the right to write; where somebody still reads, everything stays until the
// next change.
func (s store) collect(l Lock, log progress.Phase) error {
	readers := flock.New(filepath.Join(s.dir, useLock), flock.SetPermissions(0o644))
	alone, err := readers.TryLock()
	if err != nil {
		return fmt.Errorf("bundle %s: %w", s.dir, err)
	}
	if !alone {
		log.Note("the bundle is in use: what it no longer needs is removed at the next change")
		return nil
	}
	defer func() { _ = readers.Unlock() }()
	kept, err := s.reachable(l)
	if err != nil {
		return err
	}
	return s.removeBut(kept, log)
}

// reachable are the blobs that the lock leads to, by their hex digest.
func (s store) reachable(l Lock) (map[string]bool, error) {
	kept := map[string]bool{}
	for _, e := range l.Entries {
		blobs, err := s.blobsOf(e)
		if err != nil {
			// Nothing is removed while it is not known what is needed.
			return nil, err
		}
		for _, d := range blobs {
			kept[d.Digest.Hex] = true
		}
	}
	return kept, nil
}

// blobsOf are the blobs that e is made of; its manifest must be readable.
func (s store) blobsOf(e Entry) ([]v1.Descriptor, error) {
	h, err := v1.NewHash(e.Digest)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	core, err := s.core(h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	return core.blobs(h), nil
}

func (s store) removeBut(kept map[string]bool, log progress.Phase) error {
	files, err := os.ReadDir(s.blobs())
	if err != nil {
		return fmt.Errorf("bundle %s: %w", s.dir, err)
	}
	var freed, count int64
	var errs []error
	for _, f := range files {
		if kept[f.Name()] {
			continue
		}
		if info, err := f.Info(); err == nil {
			freed += info.Size()
		}
		count++
		errs = append(errs, os.Remove(filepath.Join(s.blobs(), f.Name())))
	}
	if count > 0 {
		log.Note("removed %d blobs that nothing needs any more (%s)", count, bytesText(freed))
	}
	return errors.Join(errs...)
}

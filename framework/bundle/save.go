package bundle

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"

	"meshgate/framework/progress"
)

// save writes the named components, or all, into one file that loadArchive and
// Archive read. Each blob is checked on the way, so that a damaged bundle is not
// handed on; the file appears only when it is whole. Equal bundles make equal
// files.
func (b *Bundle) save(ctx context.Context, path string, components []string, log progress.Phase) (err error) {
	for _, c := range components {
		if len(b.Entries(c)) == 0 {
			return fmt.Errorf("save %s: the bundle in %s has no component %q; it holds %v", path, b.store.dir, c, b.lock.components())
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("save bundle: %w", err)
	}
	defer os.Remove(tmp.Name())
	s := saver{ctx: ctx, store: b.store, lock: b.lock.only(components), log: log}
	if err := errors.Join(s.write(tmp), tmp.Chmod(0o644), tmp.Close()); err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("save bundle: %w", err)
	}
	return nil
}

type saver struct {
	ctx   context.Context
	store store
	lock  Lock
	log   progress.Phase
}

func (s saver) write(w io.Writer) error {
	z, err := zstd.NewWriter(w)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	err = s.contents(t)
	return errors.Join(err, t.Close(), z.Close())
}

// contents are the lock first, so that a reader knows at once what it has
// before it; then all manifests, so that it can skip what it does not want; then
// configs and layers.
func (s saver) contents(t *tar.Writer) error {
	raw, err := s.lock.encode()
	if err != nil {
		return err
	}
	index, err := s.store.index(s.lock.Entries)
	if err != nil {
		return err
	}
	err = errors.Join(addFileBytes(t, lockFile, raw), addFileBytes(t, "oci-layout", ociLayout()), addFileBytes(t, "index.json", index))
	if err != nil {
		return err
	}
	manifests, rest, err := s.order()
	if err != nil {
		return err
	}
	for _, d := range append(manifests, rest...) {
		s.log.Waiting(fmt.Sprintf("%s (%s)", d.of, bytesText(d.Size)))
		if err := addBlob(s.ctx, t, s.store, d.Descriptor); err != nil {
			return fmt.Errorf("%s: %w", d.of, err)
		}
	}
	return nil
}

type ownedBlob struct {
	v1.Descriptor
	of string
}

// order splits the blobs into manifests and the rest, each blob once.
func (s saver) order() (manifests, rest []ownedBlob, err error) {
	seen := map[v1.Hash]bool{}
	for _, e := range s.lock.Entries {
		blobs, err := s.store.blobsOf(e)
		if err != nil {
			return nil, nil, err
		}
		for _, d := range blobs {
			switch {
			case seen[d.Digest]:
			case d.Digest.String() == e.Digest:
				manifests = append(manifests, ownedBlob{d, e.Name})
			default:
				rest = append(rest, ownedBlob{d, e.Name})
			}
			seen[d.Digest] = true
		}
	}
	return manifests, rest, nil
}

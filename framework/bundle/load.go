package bundle

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"

	"meshgate/framework/progress"
)

// maxLock bounds what is read as a lock, in bytes.
const maxLock = 16 << 20

// loadArchive takes every component of a saved file into the bundle in dir
// (empty means DefaultDir) and returns the lock lines it took. Each blob is
// checked as it is read, and the bundle's lock changes only when all is there: a
// truncated or corrupt file leaves the bundle as it was.
func loadArchive(ctx context.Context, path, dir string, log progress.Phase) (Lock, error) {
	r, err := newResolver(Options{Dir: dir})
	if err != nil {
		return Lock{}, err
	}
	release, err := hold(ctx, r.store.dir, log)
	if err != nil {
		return Lock{}, err
	}
	defer release()
	if err := errors.Join(r.store.prepare(), r.load()); err != nil {
		return Lock{}, err
	}
	taken, err := unpack(ctx, path, r.store, nil, log)
	if err != nil {
		return Lock{}, err
	}
	l := r.lock
	for _, c := range taken.components() {
		l = l.with(c, taken.of(c), taken.spares(c))
	}
	if err := r.store.commit(l); err != nil {
		return Lock{}, err
	}
	r.lock, r.changed = l, true
	return taken, r.tidy(log)
}

// errNotThere and errLockOnly end the reading of a file that is in order.
var (
	errNotThere = errors.New("not in this file")
	errLockOnly = errors.New("only the lock was wanted")
)

// unpack puts the blobs of the named components, or of all, into the store and
// returns their lock lines, which nobody has committed yet.
func unpack(ctx context.Context, path string, s store, components []string, log progress.Phase) (Lock, error) {
	var l Lock
	err := readArchive(ctx, path, func(t *tar.Reader, all Lock) error {
		l = all.only(components)
		if missing := lacks(l, components); missing != "" {
			return fmt.Errorf("component %s is %w; it holds %s", missing, errNotThere, strings.Join(all.components(), ", "))
		}
		for i := range l.Entries {
			l.Entries[i].Source = SourceArchive
		}
		u := unpacker{store: s, log: log, wanted: map[v1.Hash]Entry{}}
		return u.run(t, l)
	})
	return l, err
}

func lacks(l Lock, components []string) string {
	for _, c := range components {
		if len(l.of(c)) == 0 {
			return c
		}
	}
	return ""
}

// readArchive opens a saved file, reads its lock, and lets body read the rest.
// Then it reads to the end, so that the file's own check sums are seen.
func readArchive(ctx context.Context, path string, body func(*tar.Reader, Lock) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("bundle file: %w", err)
	}
	defer f.Close()
	z, err := zstd.NewReader(reader{ctx: ctx, r: f})
	if err != nil {
		return fmt.Errorf("bundle file %s: %w", path, err)
	}
	defer z.Close()
	t := tar.NewReader(z)
	l, err := archiveLock(t, path)
	if err == nil {
		err = body(t, l)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, z)
	}
	return archiveError(ctx, path, err)
}

func archiveLock(t *tar.Reader, path string) (Lock, error) {
	h, err := t.Next()
	if err != nil {
		return Lock{}, err
	}
	if h.Name != lockFile || h.Size > maxLock {
		return Lock{}, fmt.Errorf("it starts with %q (%d bytes), not with a lock: `meshgate bundle save` did not write it", h.Name, h.Size)
	}
	raw, err := io.ReadAll(t)
	if err != nil {
		return Lock{}, err
	}
	return parseLock(raw, path)
}

// archiveError says what is wrong with the file in words that tell a broken
// download from a broken disk.
func archiveError(ctx context.Context, path string, err error) error {
	switch {
	case err == nil, errors.Is(err, ErrNewer), errors.Is(err, ErrPlatform):
		return err
	case errors.Is(err, errNotThere), errors.Is(err, errLockOnly):
		return fmt.Errorf("bundle file %s: %w", path, err)
	case ctx.Err() != nil:
		return fmt.Errorf("bundle file %s: %w", path, ctx.Err())
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: bundle file %s is truncated (%w): copy it again and compare sizes", ErrCorrupt, path, err)
	}
	return fmt.Errorf("%w: bundle file %s: %w: copy it again, or save it again", ErrCorrupt, path, err)
}

type unpacker struct {
	store  store
	log    progress.Phase
	wanted map[v1.Hash]Entry // blobs still to come, with the entry they belong to
}

func (u *unpacker) run(t *tar.Reader, l Lock) error {
	manifests := map[v1.Hash]Entry{}
	for _, e := range l.Entries {
		h, err := v1.NewHash(e.Digest)
		if err != nil {
			return err
		}
		manifests[h], u.wanted[h] = e, e
	}
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return u.complete(l)
		}
		if err != nil {
			return err
		}
		if err := u.file(t, h, manifests); err != nil {
			return err
		}
	}
}

// file takes a wanted blob; everything else in the archive is passed over.
func (u *unpacker) file(t *tar.Reader, h *tar.Header, manifests map[v1.Hash]Entry) error {
	hex, ok := strings.CutPrefix(h.Name, "blobs/sha256/")
	if !ok {
		return nil
	}
	hash, err := v1.NewHash("sha256:" + hex)
	if err != nil {
		return fmt.Errorf("file %s: %w", h.Name, err)
	}
	e, ok := u.wanted[hash]
	if !ok {
		return nil
	}
	u.log.Waiting(fmt.Sprintf("%s (%s)", e.Name, bytesText(h.Size)))
	d := v1.Descriptor{Digest: hash, Size: h.Size}
	if err := u.store.put(d, func() (io.ReadCloser, error) { return io.NopCloser(t), nil }); err != nil {
		return fmt.Errorf("%s: %w", e.Name, err)
	}
	delete(u.wanted, hash)
	if e, ok := manifests[hash]; ok {
		return u.want(e)
	}
	return nil
}

// want adds the blobs that a manifest names to those still to come.
func (u *unpacker) want(e Entry) error {
	blobs, err := u.store.blobsOf(e)
	if err != nil {
		return err
	}
	for _, d := range blobs {
		if d.Digest.String() != e.Digest && !u.store.has(d) {
			u.wanted[d.Digest] = e
		}
	}
	return nil
}

// complete holds each entry against what arrived: a manifest's word on a size
// counts, not the archive's.
func (u *unpacker) complete(l Lock) error {
	for _, e := range l.Entries {
		if err := u.store.entryWhole(e); err != nil {
			return err
		}
	}
	return nil
}

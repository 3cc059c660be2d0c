package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"meshgate/framework/progress"
)

// parallelReads is how many blobs are hashed at once.
const parallelReads = 2

// Verify reads every blob that the lock leads to and recomputes its digest. The
// error joins one *Mismatch for each blob that is not what it should be, with
// the artefact it belongs to, what was wanted and what was seen.
func (b *Bundle) Verify(ctx context.Context, log progress.Phase) error {
	v := verifier{store: b.store}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReads)
	seen := map[v1.Hash]bool{}
	for _, e := range b.lock.Entries {
		log.Waiting(e.Name)
		blobs, err := b.store.blobsOf(e)
		v.note(e, err)
		for _, d := range blobs {
			if seen[d.Digest] {
				continue
			}
			seen[d.Digest] = true
			group.Go(func() error { return v.blob(ctx, e, d) })
		}
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("verify %s: %w", b.store.dir, err)
	}
	if len(v.errs) > 0 {
		return fmt.Errorf("%w: %s: %w; `meshgate up` fetches again what is removed", ErrCorrupt, b.store.dir, errors.Join(v.errs...))
	}
	return nil
}

type verifier struct {
	store store
	mu    sync.Mutex
	errs  []error
}

// note keeps what is wrong with e, with what to do about it.
func (v *verifier) note(e Entry, err error) {
	if err == nil {
		return
	}
	var m *Mismatch
	if errors.As(err, &m) {
		h, _ := v1.NewHash(m.Blob)
		m.Of = e.Name
		err = fmt.Errorf("%w: remove %s", m, v.store.blobPath(h))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.errs = append(v.errs, err)
}

// blob hashes one blob; only the end of ctx is its error.
func (v *verifier) blob(ctx context.Context, e Entry, d v1.Descriptor) error {
	if err := v.store.sized(d); err != nil {
		v.note(e, err)
		return ctx.Err()
	}
	f, err := os.Open(v.store.blobPath(d.Digest))
	if err != nil {
		v.note(e, err)
		return ctx.Err()
	}
	defer f.Close()
	err = copyChecked(io.Discard, reader{ctx: ctx, r: f}, d)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	v.note(e, err)
	return nil
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// store is the folder of an OCI image layout with a lock beside its index.
// Blobs are written whole or not at all, under the name of their digest; the
// lock says which of them mean something.
type store struct{ dir string }

// Mismatch says that a blob is not what its name says.
type Mismatch struct {
	Blob string // the digest it is filed under
	Of   string // the artefact it belongs to, if that is known
	Want string // the digest or the size it should have
	Got  string // what was seen
}

func (m *Mismatch) Error() string {
	of := ""
	if m.Of != "" {
		of = " of " + m.Of
	}
	return fmt.Sprintf("blob %s%s: want %s, got %s", m.Blob, of, m.Want, m.Got)
}

func (s store) blobs() string             { return filepath.Join(s.dir, "blobs", "sha256") }
func (s store) ingest() string            { return filepath.Join(s.dir, "ingest") }
func (s store) blobPath(h v1.Hash) string { return filepath.Join(s.blobs(), h.Hex) }

// prepare makes the folders and removes what an interrupted writer left in
// between. The caller holds the right to write.
func (s store) prepare() error {
	if err := os.RemoveAll(s.ingest()); err != nil {
		return fmt.Errorf("bundle %s: %w", s.dir, err)
	}
	for _, dir := range []string{s.blobs(), s.ingest()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("bundle %s: %w", s.dir, err)
		}
	}
	return s.writeFile("oci-layout", ociLayout())
}

// has tells whether the blob is there with that size.
func (s store) has(d v1.Descriptor) bool { return s.sized(d) == nil }

// sized is the reason why the blob cannot be used as it is, or nil. It looks at
// the size only: Verify reads the content.
func (s store) sized(d v1.Descriptor) error {
	info, err := os.Stat(s.blobPath(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("blob %s is missing", d.Digest)
	}
	if err != nil {
		return err
	}
	if info.Size() != d.Size {
		return &Mismatch{Blob: d.Digest.String(), Want: fmt.Sprintf("%d bytes", d.Size), Got: fmt.Sprintf("%d bytes", info.Size())}
	}
	return nil
}

// smallBlob is the size in bytes up to which a blob that is there already is
// read before it is trusted: manifests and configs heal by being put again.
const smallBlob = 1 << 20

func (s store) intact(d v1.Descriptor) bool {
	if d.Size > smallBlob {
		return true
	}
	f, err := os.Open(s.blobPath(d.Digest))
	if err != nil {
		return false
	}
	defer f.Close()
	return copyChecked(io.Discard, f, d) == nil
}

// put writes the blob d from what open returns, unless it is there already.
// The content is checked against digest and size before the blob gets its name.
func (s store) put(d v1.Descriptor, open func() (io.ReadCloser, error)) error {
	if s.has(d) && s.intact(d) {
		return nil
	}
	r, err := open()
	if err != nil {
		return fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	defer r.Close()
	if linked, err := s.adopt(d, r); linked || err != nil {
		return err
	}
	tmp, err := os.CreateTemp(s.ingest(), d.Digest.Hex+"-*")
	if err != nil {
		return fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	defer os.Remove(tmp.Name())
	if err := errors.Join(copyChecked(tmp, r, d), tmp.Close()); err != nil {
		return err
	}
	return s.keep(tmp.Name(), d)
}

// adopt links a file that r reads into the layout, after a look at its content:
// a node's layer is a gigabyte, which a slow disk should not write twice. Where
// that cannot be done, the caller copies.
func (s store) adopt(d v1.Descriptor, r io.Reader) (linked bool, err error) {
	f, ok := r.(*os.File)
	if !ok {
		return false, nil
	}
	tmp := filepath.Join(s.ingest(), d.Digest.Hex)
	if os.Link(f.Name(), tmp) != nil {
		return false, nil
	}
	defer os.Remove(tmp)
	same, err := os.Open(tmp)
	if err != nil {
		return false, nil
	}
	defer same.Close()
	if err := copyChecked(io.Discard, same, d); err != nil {
		return false, err
	}
	return true, s.keep(tmp, d)
}

// keep gives a checked file its name among the blobs.
func (s store) keep(tmp string, d v1.Descriptor) error {
	if err := os.Chmod(tmp, 0o644); err != nil {
		return fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	if err := os.Rename(tmp, s.blobPath(d.Digest)); err != nil {
		return fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	return nil
}

// copyChecked copies r to w and compares size and digest with d.
func copyChecked(w io.Writer, r io.Reader, d v1.Descriptor) error {
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), r)
	switch got := "sha256:" + hex.EncodeToString(sum.Sum(nil)); {
	case err != nil:
		return fmt.Errorf("blob %s: after %d of %d bytes: %w", d.Digest, n, d.Size, err)
	case n < d.Size:
		return fmt.Errorf("blob %s: after %d of %d bytes: %w", d.Digest, n, d.Size, io.ErrUnexpectedEOF)
	case got != d.Digest.String():
		return &Mismatch{Blob: d.Digest.String(), Want: d.Digest.String(), Got: got}
	case n != d.Size:
		return &Mismatch{Blob: d.Digest.String(), Want: fmt.Sprintf("%d bytes", d.Size), Got: fmt.Sprintf("%d bytes", n)}
	}
	return nil
}

// writeFile replaces a file of the layout as a whole, also when the machine
// stops in the middle of it.
func (s store) writeFile(name string, data []byte) error {
	tmp, err := os.CreateTemp(s.dir, "."+name+"-*")
	if err != nil {
		return fmt.Errorf("bundle %s: %w", s.dir, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("bundle %s: write %s: %w", s.dir, name, err)
	}
	if err := os.Rename(tmp.Name(), filepath.Join(s.dir, name)); err != nil {
		return fmt.Errorf("bundle %s: %w", s.dir, err)
	}
	return nil
}

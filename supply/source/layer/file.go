// Package layer makes image layers that are the same for the same content, and
// images of them, without any container engine. Layers are plain tar files: a
// cluster on this machine reads them quicker than compressed ones.
package layer

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Layer is an uncompressed layer in a file.
type Layer struct {
	path   string
	digest v1.Hash
	size   int64
}

// Digest is that of the tar file.
func (l *Layer) Digest() (v1.Hash, error) { return l.digest, nil }

// DiffID is the digest: the layer is not compressed.
func (l *Layer) DiffID() (v1.Hash, error) { return l.digest, nil }

// Compressed opens the tar file.
func (l *Layer) Compressed() (io.ReadCloser, error) { return l.open() }

// Uncompressed opens the tar file.
func (l *Layer) Uncompressed() (io.ReadCloser, error) { return l.open() }

// Size is that of the tar file in bytes.
func (l *Layer) Size() (int64, error) { return l.size, nil }

// MediaType says that the layer is an uncompressed tar file.
func (l *Layer) MediaType() (types.MediaType, error) { return types.OCIUncompressedLayer, nil }

func (l *Layer) open() (io.ReadCloser, error) {
	file, err := os.Open(l.path)
	if err != nil {
		return nil, fmt.Errorf("layer %s: %w", l.digest, err)
	}
	return file, nil
}

// create writes a layer to path by way of fill.
func create(path string, fill func(*Writer) error) (_ *Layer, err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("layer: %w", err)
	}
	sum := &counted{hash: sha256.New()}
	w := newWriter(io.MultiWriter(file, sum))
	if err = fill(w); err == nil {
		err = w.tar.Close()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, fmt.Errorf("layer %s: %w", path, err)
	}
	return &Layer{path: path, size: sum.size, digest: v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", sum.hash.Sum(nil))}}, nil
}

// counted is a digest and the number of bytes it is of.
type counted struct {
	hash hash.Hash
	size int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.size += int64(len(p))
	return c.hash.Write(p)
}

package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"
)

// parallelLayers is how many layers of an image are written at once: enough to
// hide a registry's latency, few enough for a small machine.
const parallelLayers = 4

// storedImage reads an image of the layout by the digest of its manifest,
// without the index: the lock alone decides what there is.
type storedImage struct {
	store    store
	manifest []byte
	parsed   v1.Manifest
}

var _ partial.CompressedImageCore = (*storedImage)(nil)

func (s store) core(h v1.Hash) (*storedImage, error) {
	raw, err := os.ReadFile(s.blobPath(h))
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", h, err)
	}
	sum := sha256.Sum256(raw)
	if got := hex.EncodeToString(sum[:]); got != h.Hex {
		return nil, &Mismatch{Blob: h.String(), Want: h.String(), Got: "sha256:" + got}
	}
	img := &storedImage{store: s, manifest: raw}
	if err := json.Unmarshal(raw, &img.parsed); err != nil {
		return nil, fmt.Errorf("manifest %s: %w", h, err)
	}
	return img, nil
}

// image is the image whose manifest has the digest h; manifests are checked as
// they are read, layers are not.
func (s store) image(h v1.Hash) (v1.Image, error) {
	core, err := s.core(h)
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(core)
}

func (i *storedImage) RawManifest() ([]byte, error) { return i.manifest, nil }

func (i *storedImage) RawConfigFile() ([]byte, error) {
	return os.ReadFile(i.store.blobPath(i.parsed.Config.Digest))
}

func (i *storedImage) MediaType() (types.MediaType, error) {
	if i.parsed.MediaType == "" {
		return types.OCIManifestSchema1, nil
	}
	return i.parsed.MediaType, nil
}

func (i *storedImage) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	for _, d := range append([]v1.Descriptor{i.parsed.Config}, i.parsed.Layers...) {
		if d.Digest == h {
			return storedLayer{store: i.store, desc: d}, nil
		}
	}
	return nil, fmt.Errorf("no layer %s in this image", h)
}

// blobs are all blobs of the image, each once: layers, config and, last, the
// manifest itself.
func (i *storedImage) blobs(manifest v1.Hash) []v1.Descriptor {
	return blobsOf(i.parsed, v1.Descriptor{Digest: manifest, Size: int64(len(i.manifest))})
}

func blobsOf(m v1.Manifest, self v1.Descriptor) []v1.Descriptor {
	var out []v1.Descriptor
	seen := map[v1.Hash]bool{}
	for _, d := range append(append([]v1.Descriptor{}, m.Layers...), m.Config, self) {
		if !seen[d.Digest] {
			out = append(out, v1.Descriptor{Digest: d.Digest, Size: d.Size, MediaType: d.MediaType})
		}
		seen[d.Digest] = true
	}
	return out
}

type storedLayer struct {
	store store
	desc  v1.Descriptor
}

func (l storedLayer) Digest() (v1.Hash, error)            { return l.desc.Digest, nil }
func (l storedLayer) Size() (int64, error)                { return l.desc.Size, nil }
func (l storedLayer) MediaType() (types.MediaType, error) { return l.desc.MediaType, nil }
func (l storedLayer) Descriptor() (*v1.Descriptor, error) { d := l.desc; return &d, nil }
func (l storedLayer) Compressed() (io.ReadCloser, error) {
	return os.Open(l.store.blobPath(l.desc.Digest))
}

// putImage writes an image, layers first and the manifest last, and returns the
// manifest's digest and the size of all blobs. Layers that are there already
// are not asked for.
func (s store) putImage(img v1.Image) (v1.Hash, int64, error) {
	raw, err := img.RawManifest()
	if err != nil {
		return v1.Hash{}, 0, fmt.Errorf("manifest: %w", err)
	}
	var m v1.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return v1.Hash{}, 0, fmt.Errorf("manifest: %w", err)
	}
	h, n, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return v1.Hash{}, 0, fmt.Errorf("manifest: %w", err)
	}
	if err := s.putLayers(img, m); err != nil {
		return v1.Hash{}, 0, err
	}
	config := func() ([]byte, error) { return img.RawConfigFile() }
	if err := s.put(m.Config, opener(config)); err != nil {
		return v1.Hash{}, 0, fmt.Errorf("config: %w", err)
	}
	self := v1.Descriptor{Digest: h, Size: n}
	if err := s.put(self, opener(func() ([]byte, error) { return raw, nil })); err != nil {
		return v1.Hash{}, 0, fmt.Errorf("manifest: %w", err)
	}
	return h, total(blobsOf(m, self)), nil
}

func (s store) putLayers(img v1.Image, m v1.Manifest) error {
	var group errgroup.Group
	group.SetLimit(parallelLayers)
	seen := map[v1.Hash]bool{}
	for _, d := range m.Layers {
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		group.Go(func() error {
			return s.put(d, func() (io.ReadCloser, error) {
				layer, err := img.LayerByDigest(d.Digest)
				if err != nil {
					return nil, err
				}
				return layer.Compressed()
			})
		})
	}
	return group.Wait()
}

func opener(bytesOf func() ([]byte, error)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		raw, err := bytesOf()
		return io.NopCloser(bytes.NewReader(raw)), err
	}
}

func total(blobs []v1.Descriptor) int64 {
	var n int64
	for _, d := range blobs {
		n += d.Size
	}
	return n
}

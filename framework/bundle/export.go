package bundle

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// WriteImages streams the named images as one tar that both `docker load`
// (since 20.10) and `ctr images import` read: an OCI layout, in which containerd
// finds the digests of the lock again, with Docker's manifest.json over the same
// blobs. A blob shared by several images is written once. Nothing is held in
// memory but manifests and configs.
func (b *Bundle) WriteImages(w io.Writer, names ...string) error {
	if len(names) == 0 {
		return errors.New("bundle: no image was asked for")
	}
	x := exporter{store: b.store, tar: tar.NewWriter(w), written: map[v1.Hash]bool{}}
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		if err := x.image(b, name); err != nil {
			return err
		}
	}
	return x.finish()
}

type exporter struct {
	store   store
	tar     *tar.Writer
	written map[v1.Hash]bool
	entries []Entry
	docker  tarball.Manifest
}

func (x *exporter) image(b *Bundle, name string) error {
	img, err := b.Image(name)
	if err != nil {
		return err
	}
	m, err := img.Manifest()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	e, err := b.Entry(name)
	if err != nil {
		return err
	}
	blobs, err := x.store.blobsOf(e)
	if err != nil {
		return err
	}
	for _, d := range blobs {
		if err := x.blob(d); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	line := tarball.Descriptor{Config: tarPath(m.Config.Digest), RepoTags: []string{name}}
	for _, d := range m.Layers {
		line.Layers = append(line.Layers, tarPath(d.Digest))
	}
	x.docker = append(x.docker, line)
	x.entries = append(x.entries, e)
	return nil
}

func tarPath(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

// blob copies one blob into the tar, unless an image before this one has it.
func (x *exporter) blob(d v1.Descriptor) error {
	if x.written[d.Digest] {
		return nil
	}
	x.written[d.Digest] = true
	return addBlob(context.Background(), x.tar, x.store, d)
}

// addBlob copies a blob of the store into a tar and checks it on the way.
func addBlob(ctx context.Context, w *tar.Writer, s store, d v1.Descriptor) error {
	f, err := os.Open(s.blobPath(d.Digest))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := w.WriteHeader(tarHeader(tarPath(d.Digest), d.Size)); err != nil {
		return fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	return copyChecked(w, reader{ctx: ctx, r: f}, d)
}

// finish writes the three files by which readers find the images.
func (x *exporter) finish() error {
	docker, err := json.Marshal(x.docker)
	if err != nil {
		return fmt.Errorf("manifest.json: %w", err)
	}
	index, err := x.store.index(x.entries)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{"manifest.json", docker}, {"index.json", index}, {"oci-layout", ociLayout()}} {
		if err := addFileBytes(x.tar, f.name, f.data); err != nil {
			return err
		}
	}
	return x.tar.Close()
}

func addFileBytes(w *tar.Writer, name string, data []byte) error {
	if err := w.WriteHeader(tarHeader(name, int64(len(data)))); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	_, err := w.Write(data)
	return err
}

func ociLayout() []byte { return []byte(`{"imageLayoutVersion":"1.0.0"}` + "\n") }

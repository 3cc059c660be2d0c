package bundle

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// maxFiles bounds what a tree of files may unpack to, in bytes: charts have a
// few megabytes, so more is a mistake or an attack.
const maxFiles = 256 << 20

// FilesFS is an in-memory file system that holds the given files by their
// slash-separated paths.
func FilesFS(files map[string][]byte) (fs.FS, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		// Stored, not deflated: the bytes stay in memory either way.
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return nil, fmt.Errorf("file %s: %w", name, err)
		}
		if _, err := f.Write(files[name]); err != nil {
			return nil, fmt.Errorf("file %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
}

// TarFS reads the regular files of a tar stream into memory. The first strip
// elements of each path are dropped: charts come in a folder of their own name.
func TarFS(r io.Reader, strip int) (fs.FS, error) {
	files := map[string][]byte{}
	left := int64(maxFiles)
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return FilesFS(files)
		}
		if err != nil {
			return nil, fmt.Errorf("read files: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if left -= h.Size; left < 0 {
			return nil, fmt.Errorf("read files: more than %d bytes", int64(maxFiles))
		}
		name, err := stripped(h.Name, strip)
		if err != nil {
			return nil, err
		}
		if files[name], err = io.ReadAll(tr); err != nil {
			return nil, fmt.Errorf("file %s: %w", h.Name, err)
		}
	}
}

func stripped(name string, strip int) (string, error) {
	parts := strings.Split(path.Clean(name), "/")
	if len(parts) <= strip {
		return "", fmt.Errorf("file %s: want it in %d folders", name, strip)
	}
	out := path.Join(parts[strip:]...)
	if !fs.ValidPath(out) {
		return "", fmt.Errorf("file %s: the path leads out of the tree", name)
	}
	return out, nil
}

// filesImage packs a tree of files as a one-layer artefact. Equal trees have
// equal digests: order, owner and times are fixed.
func filesImage(fsys fs.FS) (v1.Image, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	count := 0
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		count++
		return addFile(w, fsys, name, d)
	})
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	if count == 0 {
		return nil, errors.New("the tree has no files")
	}
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	return mutate.AppendLayers(img, static.NewLayer(buf.Bytes(), types.OCIUncompressedLayer))
}

func addFile(w *tar.Writer, fsys fs.FS, name string, d fs.DirEntry) error {
	if !d.Type().IsRegular() {
		return fmt.Errorf("file %s: %s is not a regular file", name, d.Type())
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	return addFileBytes(w, name, data)
}

// tarHeader is that of a plain file whose time and owner say nothing.
func tarHeader(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0)}
}

// filesOf is the tree that filesImage packed.
func filesOf(img v1.Image) (fs.FS, error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	if len(layers) != 1 {
		return nil, fmt.Errorf("a tree of files has 1 layer, this artefact has %d", len(layers))
	}
	r, err := layers[0].Uncompressed()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return TarFS(r, 0)
}

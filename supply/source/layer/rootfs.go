package layer

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// Import says what of a root file system comes into a layer. Patterns are those
// of path.Match, without a leading slash; one that matches nothing is an error.
type Import struct {
	// Remove takes out what matches, with all that is below it.
	Remove []string
	// Join maps a path to the pattern of the files that it is put together from,
	// as the certificates of all authorities are in one file.
	Join map[string]string
}

// importing is an Import while it goes on.
type importing struct {
	Import
	used   map[string]bool
	joined map[string]*bytes.Buffer
}

// Import adds a root file system out of a tar file, without device files.
func (w *Writer) Import(from io.Reader, what Import) error {
	i := importing{Import: what, used: map[string]bool{}, joined: map[string]*bytes.Buffer{}}
	for in := tar.NewReader(from); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return i.finish(w)
		}
		if err == nil {
			err = i.take(w, h, in)
		}
		if err != nil {
			return fmt.Errorf("root file system: %w", err)
		}
	}
}

func (i importing) take(w *Writer, h *tar.Header, content io.Reader) error {
	name := strings.Trim(path.Clean("/"+h.Name), "/")
	for to, pattern := range i.Join {
		if h.Typeflag == tar.TypeReg && matches(pattern, name) {
			if i.joined[to] == nil {
				i.joined[to] = &bytes.Buffer{}
			}
			var both bytes.Buffer
			if _, err := io.Copy(io.MultiWriter(i.joined[to], &both), content); err != nil {
				return err
			}
			content = &both
		}
	}
	if i.skip(h, name) {
		return nil
	}
	if h.Typeflag == tar.TypeLink {
		h.Linkname = strings.Trim(path.Clean("/"+h.Linkname), "/")
	}
	return w.entry(h, content)
}

func (i importing) skip(h *tar.Header, name string) bool {
	if h.Typeflag == tar.TypeChar || h.Typeflag == tar.TypeBlock || h.Typeflag == tar.TypeFifo {
		return true
	}
	for _, pattern := range i.Remove {
		if matches(pattern, name) {
			i.used[pattern] = true
			return true
		}
	}
	return false
}

// finish writes the joined files and refuses a pattern that matched nothing.
func (i importing) finish(w *Writer) error {
	for _, to := range slices.Sorted(maps.Keys(i.Join)) {
		if i.joined[to] == nil {
			return fmt.Errorf("root file system: join %s: %q matches nothing in it", to, i.Join[to])
		}
		if err := w.Text(to, i.joined[to].String(), 0o644); err != nil {
			return err
		}
	}
	for _, pattern := range i.Remove {
		if !i.used[pattern] {
			return fmt.Errorf("root file system: remove %q matches nothing in it", pattern)
		}
	}
	return nil
}

// matches says whether the pattern matches the path or a folder above it.
func matches(pattern, name string) bool {
	for ; name != "." && name != ""; name = path.Dir(name) {
		if ok, err := path.Match(pattern, name); ok && err == nil {
			return true
		}
	}
	return false
}

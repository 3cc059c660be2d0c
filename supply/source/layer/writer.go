package layer

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Writer writes the entries of one layer. Every time in it is the epoch, owners
// are numbers, and missing parent folders are added, so that a layer depends on
// nothing but what is put into it.
type Writer struct {
	tar   *tar.Writer
	dirs  map[string]bool
	links map[string]bool
}

// Write makes the layer file at path out of what fill puts into it. The same
// entries in the same order give the same digest.
func Write(path string, fill func(*Writer) error) (*Layer, error) { return create(path, fill) }

func newWriter(out io.Writer) *Writer {
	return &Writer{tar: tar.NewWriter(out), dirs: map[string]bool{".": true}, links: map[string]bool{}}
}

// File adds a regular file of the machine as to.
func (w *Writer) File(to, from string, mode int64) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %s is no regular file", to, from)
	}
	return w.entry(&tar.Header{Name: to, Typeflag: tar.TypeReg, Mode: mode, Size: info.Size()}, file)
}

// Text adds a file with this content.
func (w *Writer) Text(to, text string, mode int64) error {
	return w.entry(&tar.Header{Name: to, Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(text))}, strings.NewReader(text))
}

// Link adds a symbolic link to target.
func (w *Writer) Link(to, target string) error {
	return w.entry(&tar.Header{Name: to, Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: target}, nil)
}

// Folder adds an empty folder.
func (w *Writer) Folder(to string, mode int64) error {
	return w.entry(&tar.Header{Name: to, Typeflag: tar.TypeDir, Mode: mode}, nil)
}

// Tree adds the files below the folder from, below to, all with this mode. It
// fails if there are none.
func (w *Writer) Tree(to, from string, mode int64) error {
	found := 0
	err := filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		return w.File(path.Join(to, filepath.ToSlash(rel)), p, mode)
	})
	if err == nil && found == 0 {
		return fmt.Errorf("%s: %s holds no files", to, from)
	}
	return err
}

// Clone adds the folder from as to with owners and modes as they are.
func (w *Writer) Clone(to, from string) error {
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		return w.clone(path.Join(to, filepath.ToSlash(rel)), p, d)
	})
}

func (w *Writer) clone(to, from string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(from); err != nil {
			return err
		}
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	header.Name = to
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		header.Uid, header.Gid = int(owner.Uid), int(owner.Gid)
	}
	if !info.Mode().IsRegular() {
		return w.entry(header, nil)
	}
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	return w.entry(header, file)
}

// entry writes one entry, after its parents, with everything taken off that
// depends on when and where it was made.
func (w *Writer) entry(h *tar.Header, content io.Reader) error {
	name := strings.Trim(path.Clean("/"+h.Name), "/")
	if name == "" {
		return nil
	}
	if err := w.parents(path.Dir(name)); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeDir {
		if w.dirs[name] {
			return nil
		}
		w.dirs[name] = true
		name += "/"
	}
	w.links[name] = h.Typeflag == tar.TypeSymlink
	clean := tar.Header{
		Name: name, Linkname: h.Linkname, Typeflag: h.Typeflag, Mode: h.Mode & 0o7777, Size: h.Size,
		Uid: h.Uid, Gid: h.Gid, ModTime: time.Unix(0, 0), PAXRecords: extended(h.PAXRecords),
	}
	if err := w.tar.WriteHeader(&clean); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if content == nil {
		return nil
	}
	if _, err := io.Copy(w.tar, content); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (w *Writer) parents(dir string) error {
	switch {
	case w.dirs[dir]:
		return nil
	case w.links[dir]:
		return fmt.Errorf("%s is a link in this layer: name the folder that it leads to", dir)
	}
	return w.Folder(dir, 0o755)
}

// extended keeps a file's extended attributes, such as its capabilities, and
// drops its times.
func extended(records map[string]string) map[string]string {
	kept := map[string]string{}
	for key, value := range records {
		if strings.HasPrefix(key, "SCHILY.xattr.") {
			kept[key] = value
		}
	}
	return kept
}

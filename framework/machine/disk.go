package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// Disk is the file system under a path.
type Disk struct {
	// Path is the existing folder that was asked.
	Path string
	// Free is what an unprivileged user may still write, in bytes.
	Free int64
	// Device tells file systems apart.
	Device uint64
}

// DiskAt looks at the file system that holds path, or that will hold it: a
// path that does not exist yet is answered by its nearest existing parent.
func DiskAt(path string) (Disk, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Disk{}, fmt.Errorf("free disk space at %s: %w", path, err)
	}
	for {
		var st syscall.Statfs_t
		err := syscall.Statfs(path, &st)
		if errors.Is(err, fs.ErrNotExist) && path != "/" {
			path = filepath.Dir(path)
			continue
		}
		if err != nil {
			return Disk{}, fmt.Errorf("free disk space at %s: %w", path, err)
		}
		dev, err := device(path)
		return Disk{Path: path, Free: int64(st.Bavail) * st.Bsize, Device: dev}, err
	}
}

func device(path string) (uint64, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return 0, fmt.Errorf("file system of %s: %w", path, err)
	}
	return st.Dev, nil
}

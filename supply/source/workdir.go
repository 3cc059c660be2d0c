package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// workLock is the file by which a process holds its temporary folder.
const workLock = "lock"

// workDir makes the temporary folder of one build, after it has removed those
// that killed processes have left. remove takes it away again.
func (s *Source) workDir(component string) (dir string, remove func() error, err error) {
	parent := s.options.WorkDir
	if parent == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", nil, fmt.Errorf("where to build: %w", err)
		}
		parent = filepath.Join(cache, "meshgate", "work")
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", nil, fmt.Errorf("where to build: %w", err)
	}
	if err := sweep(parent); err != nil {
		return "", nil, fmt.Errorf("where to build: remains of an earlier build: %w", err)
	}
	if dir, err = os.MkdirTemp(parent, component+"-"); err != nil {
		return "", nil, fmt.Errorf("where to build: %w", err)
	}
	lock := flock.New(filepath.Join(dir, workLock))
	if err := lock.Lock(); err != nil {
		return "", nil, fmt.Errorf("where to build: %w", err)
	}
	return dir, func() error { return errors.Join(os.RemoveAll(dir), lock.Close()) }, nil
}

// sweep removes the folders in parent that no living process holds.
func sweep(parent string) error {
	locks, err := filepath.Glob(filepath.Join(parent, "*", workLock))
	if err != nil {
		return err
	}
	for _, path := range locks {
		lock := flock.New(path)
		free, err := lock.TryLock()
		if err == nil && free {
			err = errors.Join(os.RemoveAll(filepath.Dir(path)), lock.Close())
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

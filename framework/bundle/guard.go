package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"meshgate/framework/progress"
)

const (
	writeLock = "write.lock" // held alone by the process that changes the bundle
	useLock   = "use.lock"   // shared by those who read it: their blobs are not removed
	ownerFile = "write.owner"

	// lockInterval is how often a waiting writer looks whether its turn has come.
	lockInterval = 200 * time.Millisecond
)

// hold takes the right to change the bundle in dir. While another process has
// it, hold waits and says so; the operating system takes the right away from a
// process that died.
func hold(ctx context.Context, dir string, log progress.Phase) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	lock := flock.New(filepath.Join(dir, writeLock))
	got, err := lock.TryLock()
	if err == nil && !got {
		log.Note("another process%s is changing the bundle in %s: waiting for it", owner(dir), dir)
		log.Waiting("the other process" + owner(dir))
		got, err = lock.TryLockContext(ctx, lockInterval)
	}
	if err != nil || !got {
		return nil, fmt.Errorf("bundle %s: wait for the other process%s: %w", dir, owner(dir), err)
	}
	// Only for the words of those who wait: who wrote it is allowed to be wrong.
	_ = os.WriteFile(filepath.Join(dir, ownerFile), fmt.Appendf(nil, "%d\n", os.Getpid()), 0o644)
	return func() { _ = lock.Unlock() }, nil
}

// owner is " (pid 123)", or nothing if that is not known.
func owner(dir string) string {
	raw, err := os.ReadFile(filepath.Join(dir, ownerFile))
	if err != nil || len(raw) == 0 {
		return ""
	}
	return " (pid " + strings.TrimSpace(string(raw)) + ")"
}

// use says that blobs of the bundle are being read, until release. On a file
// system that cannot be written nothing needs to be said: nobody removes there.
func use(dir string) (release func(), err error) {
	lock := flock.New(filepath.Join(dir, useLock), flock.SetPermissions(0o644))
	err = lock.RLock()
	if errors.Is(err, os.ErrPermission) || isReadOnly(err) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bundle %s: %w", dir, err)
	}
	return func() { _ = lock.Unlock() }, nil
}

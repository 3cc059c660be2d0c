package report

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockWait bounds the wait for another process that writes in the same folder;
// what is done under the lock takes milliseconds.
const lockWait = 10 * time.Second

// Reserve makes the folder of a run in the report directory and returns the
// run's ID, which is the folder's name. It also proves, before hours of work,
// that a report can be written there.
//
// wanted is the ID to use, shared by processes that make up one run; such a
// folder may exist already. When it is empty, an ID is made from the time, and
// processes that one `go test` started share it without being told.
func Reserve(dir, wanted string, now time.Time) (string, error) {
	return reserve(dir, wanted, now, goTestKey())
}

func reserve(dir, wanted string, now time.Time, key string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", writeError(dir, err)
	}
	if wanted != "" {
		return wanted, makeRunDir(dir, wanted)
	}
	unlock, err := lock(filepath.Join(dir, ".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if key == "" {
		key = rand.Text()[:8]
	}
	key = strings.ToLower(key)
	// The first process of a `go test` names the folder; the others find it by its key.
	found, err := filepath.Glob(filepath.Join(dir, "*-"+key))
	if err == nil && len(found) > 0 {
		return filepath.Base(found[0]), nil
	}
	id := now.UTC().Format("20060102-150405") + "-" + key
	return id, makeRunDir(dir, id)
}

func makeRunDir(dir, id string) error {
	if err := ValidID(id); err != nil {
		return err
	}
	path := filepath.Join(dir, id)
	if err := os.MkdirAll(filepath.Join(path, "parts"), 0o755); err != nil {
		return writeError(path, err)
	}
	return nil
}

// ValidID says whether a run's ID can be a folder's name: letters, digits, dots,
// dashes and underscores, no dot first, at most 100.
func ValidID(id string) error {
	ok, err := regexp.MatchString(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$`, id)
	if err != nil || !ok || id == "latest" {
		return fmt.Errorf("run ID: want letters, digits, dots, dashes or underscores, at most 100, no dot first, not %q; got %q", "latest", id)
	}
	return nil
}

// goTestKey identifies the `go test` that started this process: the boot, its
// process number and its start time make it unique. It is empty when another
// program is the parent, or where the system does not tell.
func goTestKey() string {
	parent := fmt.Sprintf("/proc/%d/", os.Getppid())
	comm, err := os.ReadFile(parent + "comm")
	if err != nil || string(bytes.TrimSpace(comm)) != "go" {
		return ""
	}
	stat, err := os.ReadFile(parent + "stat")
	if err != nil {
		return ""
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	// The name in parentheses may hold spaces: count fields behind it. Field 22
	// of the whole line is the start time in ticks since boot.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(boot, "%d %s", os.Getppid(), fields[19]))
	return hex.EncodeToString(sum[:4])
}

func lock(path string) (unlock func(), err error) {
	l := flock.New(path)
	ctx, stop := context.WithTimeout(context.Background(), lockWait)
	defer stop()
	if ok, err := l.TryLockContext(ctx, 10*time.Millisecond); err != nil || !ok {
		return nil, fmt.Errorf("report: %s is held by another process for more than %s, or cannot be made: %w", path, lockWait, err)
	}
	return func() { _ = l.Close() }, nil // the lock ends with the file, whatever Close says
}

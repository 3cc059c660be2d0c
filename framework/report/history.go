package report

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// removing begins the name of a run's folder that is being removed: nobody finds it
// any more, and one that a killed process left is known for what it is.
const removing = ".removing-"

// Retain removes runs from the report directory until the newest keep of those that
// have finished are left; 0 keeps all. It returns the IDs of those that it removed.
//
// What it is not sure about stays: the current run, the one that latest points to, a
// folder that is no run of this schema under its own name, a run of which a process has
// not reported its end (it may still be at work), and one that is being written.
func Retain(dir string, keep int, current string) (removed []string, err error) {
	if keep <= 0 {
		return nil, nil
	}
	// Reserve holds the same lock: no run comes into being meanwhile. Under it folders are
	// only renamed, because evidence may take a while to remove.
	unlock, err := lock(filepath.Join(dir, ".lock"))
	if err != nil {
		return nil, err
	}
	finished := finishedRuns(dir)
	latest, _ := os.Readlink(filepath.Join(dir, FileLatest)) // none there: nothing to spare
	var errs []error
	for _, run := range finished[min(keep, len(finished)):] {
		if run.id == current || run.id == filepath.Base(latest) {
			continue
		}
		gone, err := setAside(dir, run.id)
		errs = append(errs, err)
		if gone {
			removed = append(removed, run.id)
		}
	}
	unlock()
	return removed, errors.Join(append(errs, sweep(dir))...)
}

// finishedRun is a folder that may be removed.
type finishedRun struct {
	id      string
	started time.Time
}

// finishedRuns are the runs of which every process has reported its end, newest first.
func finishedRuns(dir string) []finishedRun {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // what cannot be read is not removed
	}
	var runs []finishedRun
	for _, e := range entries {
		if !e.IsDir() || ValidID(e.Name()) != nil {
			continue // a link, a file, or a name that no run has
		}
		if started, ok := finished(filepath.Join(dir, e.Name())); ok {
			runs = append(runs, finishedRun{e.Name(), started})
		}
	}
	slices.SortFunc(runs, func(a, b finishedRun) int {
		return cmp.Or(b.started.Compare(a.started), strings.Compare(b.id, a.id))
	})
	return runs
}

// finished tells whether the folder is a run of that name, and every part of it ended.
func finished(root string) (started time.Time, ok bool) {
	whole, err := Read(filepath.Join(root, FileJSON))
	if err != nil || whole.ID != filepath.Base(root) {
		return time.Time{}, false
	}
	parts, err := filepath.Glob(filepath.Join(root, "parts", "*.json"))
	if err != nil || len(parts) == 0 {
		return time.Time{}, false
	}
	for _, path := range parts {
		part, err := Read(path)
		if err != nil || part.ID != whole.ID || part.Ended.IsZero() {
			return time.Time{}, false
		}
	}
	return whole.Started, true
}

// setAside renames a run's folder if no process writes in it.
func setAside(dir, id string) (bool, error) {
	root := filepath.Join(dir, id)
	l := flock.New(filepath.Join(root, ".lock"))
	free, err := l.TryLock()
	if err != nil {
		return false, fmt.Errorf("report: cannot remove %s: %w", root, err)
	}
	if !free {
		return false, nil
	}
	defer func() { _ = l.Close() }() // the lock ends with the file, whatever Close says
	if err := os.Rename(root, filepath.Join(dir, removing+id)); err != nil {
		return false, fmt.Errorf("report: cannot remove %s: %w", root, err)
	}
	return true, nil
}

// sweep removes what was set aside, by this process or by one that was killed.
func sweep(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, removing+"*"))
	errs := []error{err}
	for _, path := range paths {
		if err := os.RemoveAll(path); err != nil {
			errs = append(errs, fmt.Errorf("report: %s is not wholly removed: %w", path, err))
		}
	}
	return errors.Join(errs...)
}

package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Names of the files in a run's folder.
const (
	FileJSON  = "report.json"
	FileJUnit = "junit.xml"
	// FileHTML is the page for people; it needs nothing but a browser.
	FileHTML = "report.html"
	// FileMarkdown is the page for a CI server.
	FileMarkdown = "summary.md"
	// FileProfile is what an implementation publishes about its conformance.
	FileProfile = "conformance.yaml"
	// FileMetrics is for dashboards over many runs.
	FileMetrics = "metrics.prom"
	// FileMatrix is the kill matrix, of a run that has one.
	FileMatrix = "kill-matrix.md"
	// FileLatest, in the report directory, links to the newest run's folder.
	FileLatest = "latest"
)

// Output is a file of a run's folder that is made of the whole run and of nothing else.
// Package render has those that meshgate writes beside report.json.
type Output struct {
	// Name is the file's name in the folder.
	Name string
	// Encode gives the file's content, or nil where the run has nothing for it.
	Encode func(Run) ([]byte, error)
}

// Write puts the run into its folder, dir/<run.ID>, and judges it on the way:
//
//	parts/<start>-<pid>.json     this process's own result, replaced only by itself
//	report.json and the outputs  all parts of the run so far, merged
//
// and points dir/latest to the folder. Every file is there whole or not at all,
// and no earlier run is touched. A process may Write more than once: at its
// start with Ended zero, so that a crash leaves a trace in the merged verdict,
// and with what it found later. The error names the file and what to do; files
// holds what was written all the same.
func Write(dir string, run Run, outputs ...Output) (files []string, err error) {
	if run.Started.IsZero() {
		return nil, fmt.Errorf("report %s: the run has no start time", run.ID)
	}
	if err := makeRunDir(dir, run.ID); err != nil {
		return nil, err
	}
	root := filepath.Join(dir, run.ID)
	unlock, err := lock(filepath.Join(root, ".lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := writePart(root, run); err != nil {
		return nil, err
	}
	whole, err := readParts(root)
	if err != nil {
		return nil, err
	}
	files, err = writeWhole(root, whole, outputs)
	return files, errors.Join(err, link(dir, run.ID))
}

func writePart(root string, run Run) error {
	run.Verdict = Judge(run, run.RequireFull)
	data, err := Encode(run)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%d.json", run.Started.UTC().Format("20060102T150405.000000000"), os.Getpid())
	return writeFile(filepath.Join(root, "parts", name), data)
}

func readParts(root string) (Run, error) {
	paths, err := filepath.Glob(filepath.Join(root, "parts", "*.json"))
	if err != nil {
		return Run{}, fmt.Errorf("report: parts of %s: %w", root, err)
	}
	var parts []Run
	for _, path := range paths {
		part, err := Read(path)
		if err != nil {
			return Run{}, err
		}
		parts = append(parts, part)
	}
	return Merge(parts...), nil
}

// writeWhole writes report.json first: it is the file that others are pointed to.
func writeWhole(root string, run Run, outputs []Output) ([]string, error) {
	var files []string
	var errs []error
	for _, f := range append([]Output{{FileJSON, Encode}}, outputs...) {
		path := filepath.Join(root, f.Name)
		data, err := f.Encode(run)
		if err == nil && data == nil {
			continue // the run has nothing for it
		}
		if err == nil {
			err = writeFile(path, data)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, path)
	}
	return files, errors.Join(errs...)
}

// link points dir/latest to the run. A link is replaced by renaming a new one
// over it, so that there is always one.
func link(dir, id string) error {
	path := filepath.Join(dir, FileLatest)
	temp := filepath.Join(dir, fmt.Sprintf(".latest-%s-%d", id, os.Getpid()))
	_ = os.Remove(temp) // left by a process of the same number that was killed
	if err := os.Symlink(id, temp); err != nil {
		return writeError(path, err)
	}
	if err := os.Rename(temp, path); err != nil {
		_ = os.Remove(temp)
		return writeError(path, err)
	}
	return nil
}

func writeFile(path string, data []byte) error {
	return writeAtomic(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// writeAtomic writes beside the target, makes sure the disk has it, and renames.
func writeAtomic(path string, fill func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return writeError(path, err)
	}
	err = fill(f)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // best effort: the error above is what matters
		return writeError(path, err)
	}
	return nil
}

func writeError(path string, err error) error {
	hint := "choose another folder with --report"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		hint = "the disk is full: free space or " + hint
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		hint = "the folder is not writable: change that or " + hint
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, os.ErrExist):
		hint = "a file is in the way: " + hint
	}
	return fmt.Errorf("report: cannot write %s: %w; %s", path, err, hint)
}

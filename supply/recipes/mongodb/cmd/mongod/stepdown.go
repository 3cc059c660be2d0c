package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// The official image's user and group mongodb, and the folder that is theirs.
const (
	mongodb = 999
	data    = "/data/db"
)

// stepDown does what the official image's start script does first when it is root:
// it gives the data folder to mongodb, for a new volume may be root's, and goes on as
// mongodb.
func stepDown() error {
	if os.Getuid() != 0 {
		return nil
	}
	if err := own(data, mongodb, mongodb); err != nil {
		return fmt.Errorf("give %s to user %d: %w", data, mongodb, err)
	}
	for _, step := range []func() error{
		func() error { return syscall.Setgroups([]int{mongodb}) },
		func() error { return syscall.Setgid(mongodb) },
		func() error { return syscall.Setuid(mongodb) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("go on as user %d: %w", mongodb, err)
		}
	}
	return nil
}

// own gives dir and all below it to a user; no such folder is no error.
func own(dir string, uid, gid int) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == dir {
			return nil
		}
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
}

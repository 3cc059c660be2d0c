// Package lease lets several processes share one cluster: `go test ./suites/...`
// runs each suite as a process of its own. Who comes first creates the cluster,
// who leaves last may remove it, and nobody comes or goes meanwhile.
//
// Locks are flock(2) on files: that of a crashed process vanishes with it.
package lease

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// retry is how often a lock that somebody else holds is tried again. flock has
// no wait that a context could end.
const retry = 50 * time.Millisecond

// ErrInUse is wrapped by errors about a cluster that other processes use.
var ErrInUse = errors.New("in use")

// Lease is one process's use of a named thing. Release ends it.
type Lease struct {
	dir  string
	name string
	mine *flock.Flock
	file string
}

// Acquire joins the users of name, whose lock files are kept in dir. up is run
// before anybody else can join or leave; first says that there are no other
// users. When up fails, the lease is given back and its error returned. Waiting
// for somebody else's up ends with ctx.
func Acquire(ctx context.Context, dir, name string, up func(ctx context.Context, first bool) error) (*Lease, error) {
	l := &Lease{dir: dir, name: name}
	err := l.behindGate(ctx, func() error {
		others, err := l.others()
		if err != nil {
			return err
		}
		if err := l.join(); err != nil {
			return err
		}
		if err := up(ctx, len(others) == 0); err != nil {
			return errors.Join(err, l.leave())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Release ends the use. If nobody else uses it, last is run (unless nil) before
// anybody can join; its error is returned. The lease is over in any case.
func (l *Lease) Release(ctx context.Context, last func(ctx context.Context) error) error {
	err := l.behindGate(ctx, func() error {
		if err := l.leave(); err != nil {
			return err
		}
		others, err := l.others()
		if err != nil || len(others) > 0 || last == nil {
			return err
		}
		return last(ctx)
	})
	return errors.Join(err, l.leave())
}

// Alone runs f if nobody uses name, and keeps everybody out meanwhile. Else the
// error wraps ErrInUse and names the processes.
func Alone(ctx context.Context, dir, name string, f func(ctx context.Context) error) error {
	l := &Lease{dir: dir, name: name}
	return l.behindGate(ctx, func() error {
		others, err := l.others()
		if err != nil {
			return err
		}
		if len(others) > 0 {
			return fmt.Errorf("%s is %w by process %s: wait for its end or interrupt it", name, ErrInUse, strings.Join(others, ", "))
		}
		return f(ctx)
	})
}

// Others lists the processes, but for this one, that use name at this moment.
func Others(dir, name string) ([]string, error) {
	l := &Lease{dir: dir, name: name}
	if err := os.MkdirAll(l.usersDir(), 0o755); err != nil {
		return nil, fmt.Errorf("lease of %s: %w", name, err)
	}
	users, err := l.others()
	me := strconv.Itoa(os.Getpid())
	return slices.DeleteFunc(users, func(pid string) bool { return pid == me }), err
}

// behindGate runs f while this process alone may come, go or look.
func (l *Lease) behindGate(ctx context.Context, f func() error) error {
	if err := os.MkdirAll(l.usersDir(), 0o755); err != nil {
		return fmt.Errorf("lease of %s: %w", l.name, err)
	}
	unlock, err := Lock(ctx, filepath.Join(l.dir, l.name+".gate"))
	if err != nil {
		return fmt.Errorf("lease of %s: %w", l.name, err)
	}
	defer unlock()
	return f()
}

// Lock takes the exclusive lock of a file, which it creates, and waits for it
// until ctx ends. The returned function gives it back.
func Lock(ctx context.Context, file string) (unlock func(), err error) {
	lock := flock.New(file)
	if _, err := lock.TryLockContext(ctx, retry); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("wait for the lock %s, which another process holds: %w", file, context.Cause(ctx))
		}
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	return func() { _ = lock.Close() }, nil
}

func (l *Lease) usersDir() string { return filepath.Join(l.dir, l.name+".users") }

// hidden is how the file of a user begins before it is locked. Under its final
// name a file that is not locked belongs to a process that is gone.
const hidden = "."

// join makes and locks a file that says who we are.
func (l *Lease) join() error {
	f, err := os.CreateTemp(l.usersDir(), fmt.Sprintf("%s%d-*", hidden, os.Getpid()))
	if err != nil {
		return fmt.Errorf("lease of %s: %w", l.name, err)
	}
	young := f.Name()
	if err := f.Close(); err != nil {
		return fmt.Errorf("lease of %s: %w", l.name, err)
	}
	l.mine, l.file = flock.New(young), filepath.Join(l.usersDir(), strings.TrimPrefix(filepath.Base(young), hidden))
	if ok, err := l.mine.TryLock(); err != nil || !ok {
		return fmt.Errorf("lease of %s: lock our own %s: got %t: %w", l.name, young, ok, err)
	}
	if err := os.Rename(young, l.file); err != nil {
		return fmt.Errorf("lease of %s: %w", l.name, err)
	}
	return nil
}

// leave is safe to call twice.
func (l *Lease) leave() error {
	if l.mine == nil {
		return nil
	}
	err := errors.Join(os.Remove(l.file), l.mine.Close())
	l.mine = nil
	if err != nil {
		return fmt.Errorf("lease of %s: give back: %w", l.name, err)
	}
	return nil
}

// others lists the process ids of the living users.
func (l *Lease) others() ([]string, error) {
	entries, err := os.ReadDir(l.usersDir())
	if err != nil {
		return nil, fmt.Errorf("lease of %s: %w", l.name, err)
	}
	var living []string
	for _, e := range entries {
		file := filepath.Join(l.usersDir(), e.Name())
		if file == l.file || strings.HasPrefix(e.Name(), hidden) {
			continue
		}
		abandoned, err := abandoned(file)
		if err != nil {
			return nil, fmt.Errorf("lease of %s: %w", l.name, err)
		}
		if !abandoned {
			pid, _, _ := strings.Cut(e.Name(), "-")
			living = append(living, pid)
		}
	}
	return living, nil
}

// abandoned removes a file that nobody holds: its process crashed.
func abandoned(file string) (bool, error) {
	lock := flock.New(file)
	ok, err := lock.TryLock()
	if err != nil || !ok {
		return false, err
	}
	return true, errors.Join(os.Remove(file), lock.Close())
}

package kube

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// pace is how a reservation is renewed while its holder lives. One that was silent for long
// is dead: killed, or its machine gone.
type pace struct{ every, giveUp, silent time.Duration }

var usualPace = pace{every: 4 * time.Second, giveUp: 15 * time.Second, silent: 20 * time.Second}

// ErrReserved means that another process has what was asked for, and is alive.
var ErrReserved = errors.New("in use by another process")

// Reserve takes a name for this process alone, among all that work on the cluster from
// wherever, by a Lease. One that is left of a process that died is taken over after 20 s;
// one whose holder lives is refused after half a minute. free gives the name back and
// removes the Lease; it has to be called.
func (c *Client) Reserve(ctx context.Context, by Owner, ns, name string) (free func(context.Context) error, err error) {
	return c.reserve(ctx, usualPace, by, ns, name)
}

func (c *Client) reserve(ctx context.Context, p pace, by Owner, ns, name string) (free func(context.Context) error, err error) {
	leases := c.typed.CoordinationV1().Leases(ns)
	meta := metav1.ObjectMeta{Namespace: ns, Name: name, Labels: map[string]string{OwnerLabel: string(by)}}
	_, err = leases.Create(ctx, &coordinationv1.Lease{ObjectMeta: meta}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		var there *coordinationv1.Lease
		there, err = leases.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			err = nil // freed meanwhile
		} else if _, ours := Ours(there); err == nil && !ours {
			err = fmt.Errorf("%w: remove or rename it", ErrForeign)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("Lease %s/%s: %w", ns, name, err)
	}
	r := &reservation{lock: &resourcelock.LeaseLock{LeaseMeta: meta, Labels: meta.Labels, Client: c.typed.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: thisProcess()}}}
	if err := r.hold(ctx, p); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		r.end()
		last, err := leases.Get(ctx, name, metav1.GetOptions{})
		// It may still name us: giving it back can have met its last renewal.
		if err == nil && slices.Contains([]string{"", r.lock.Identity()}, holder(last)) {
			err = leases.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &last.ResourceVersion}})
		}
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil // whoever took it since removes it
		}
		return err
	}, nil
}

func holder(l *coordinationv1.Lease) string {
	if l.Spec.HolderIdentity == nil {
		return ""
	}
	return *l.Spec.HolderIdentity
}

// reservation is a Lease that is held, or waited for.
type reservation struct {
	lock *resourcelock.LeaseLock
	end  func()
}

func (r *reservation) hold(ctx context.Context, p pace) error {
	held, once := make(chan struct{}), sync.Once{}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: r.lock, LeaseDuration: p.silent, RenewDeadline: p.giveUp, RetryPeriod: p.every, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { once.Do(func() { close(held) }) },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	// Whatever ends the run, what is reserved is being cleared away until it is freed.
	holding, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for holding.Err() == nil {
			elector.Run(holding) // ends when an API server was away for too long, too
		}
	}()
	r.end = func() { stop(); <-ended }
	wait, cancel := context.WithTimeout(ctx, p.silent+3*p.every)
	defer cancel()
	select {
	case <-held:
		return nil
	case <-wait.Done():
		r.end()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return r.refused(ctx)
}

// refused says who has it.
func (r *reservation) refused(ctx context.Context) error {
	now, _, err := r.lock.Get(ctx)
	if err != nil {
		return fmt.Errorf("%s could not be had: %w", r.lock.Describe(), err)
	}
	return fmt.Errorf("%w: %s since %s (Lease %s): wait until it has ended", ErrReserved, now.HolderIdentity, now.AcquireTime.Format(time.DateTime), r.lock.Describe())
}

// thisProcess is a name for people to find it by; no two are the same.
func thisProcess() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("process %d on %s (%s)", os.Getpid(), host, rand.Text()[:6])
}

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
	typedcoordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// leaseTiming has the durations of client-go's leader election: the holder renews the Lease
// every RetryPeriod, and a holder that has not renewed for LeaseDuration counts as dead.
type leaseTiming struct{ RetryPeriod, RenewDeadline, LeaseDuration time.Duration }

var defaultTiming = leaseTiming{RetryPeriod: 4 * time.Second, RenewDeadline: 15 * time.Second, LeaseDuration: 20 * time.Second}

// ErrReserved means that another live process holds the reservation.
var ErrReserved = errors.New("in use by another process")

// reservations is the owner label of the Leases.
const reservations Owner = "reservation"

// Reservation is a Lease that this process holds. The holder must end it with Free or
// ReleaseDirty.
type Reservation struct {
	// TakenOver says that the Lease existed before: its last holder died, or released it
	// without removing all of its objects. Some of them may still be on the cluster.
	TakenOver bool

	leases typedcoordination.LeaseInterface
	lock   *resourcelock.LeaseLock
	end    func()
}

// Reserve acquires the Lease ns/name, so that only one process on any machine uses the
// name at a time. The Lease of a process that died is taken over after 20 s; while its
// holder is alive the call fails with ErrReserved after about half a minute.
func (c *Client) Reserve(ctx context.Context, ns, name string) (*Reservation, error) {
	return c.reserve(ctx, defaultTiming, ns, name)
}

func (c *Client) reserve(ctx context.Context, t leaseTiming, ns, name string) (*Reservation, error) {
	r := &Reservation{leases: c.typed.CoordinationV1().Leases(ns)}
	meta := metav1.ObjectMeta{Namespace: ns, Name: name, Labels: map[string]string{OwnerLabel: string(reservations)}}
	_, err := r.leases.Create(ctx, &coordinationv1.Lease{ObjectMeta: meta}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		r.TakenOver = true
		var there *coordinationv1.Lease
		there, err = r.leases.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			err = nil // its holder has freed it in the meantime
		} else if _, ours := Ours(there); err == nil && !ours {
			err = fmt.Errorf("%w: remove or rename it", ErrForeign)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("Lease %s/%s: %w", ns, name, err)
	}
	r.lock = &resourcelock.LeaseLock{LeaseMeta: meta, Labels: meta.Labels, Client: c.typed.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: thisProcess()}}
	if err := r.hold(ctx, t); err != nil {
		return nil, err
	}
	return r, nil
}

// Free releases the Lease and deletes it.
func (r *Reservation) Free(ctx context.Context) error {
	r.ReleaseDirty()
	name := r.lock.LeaseMeta.Name
	last, err := r.leases.Get(ctx, name, metav1.GetOptions{})
	// The Lease may still name this process: releasing it can conflict with its last renewal.
	if err == nil && slices.Contains([]string{"", r.lock.Identity()}, holder(last)) {
		err = r.leases.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &last.ResourceVersion}})
	}
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // another process has acquired it since, and deletes it
	}
	return err
}

// ReleaseDirty releases the Lease but does not delete it: its next holder sees TakenOver
// and knows that some objects could not be removed.
func (r *Reservation) ReleaseDirty() { r.end() }

func holder(l *coordinationv1.Lease) string {
	if l.Spec.HolderIdentity == nil {
		return ""
	}
	return *l.Spec.HolderIdentity
}

func (r *Reservation) hold(ctx context.Context, t leaseTiming) error {
	held, once := make(chan struct{}), sync.Once{}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: r.lock, LeaseDuration: t.LeaseDuration, RenewDeadline: t.RenewDeadline, RetryPeriod: t.RetryPeriod, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { once.Do(func() { close(held) }) },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	// The Lease is held beyond the end of ctx: after an interruption the run still removes
	// its objects, until it frees the Lease.
	holding, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for holding.Err() == nil {
			elector.Run(holding) // also returns when the API server was unreachable for RenewDeadline
		}
	}()
	r.end = func() { stop(); <-ended }
	wait, cancel := context.WithTimeout(ctx, t.LeaseDuration+3*t.RetryPeriod)
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

// refused returns an error that names the holder of the Lease.
func (r *Reservation) refused(ctx context.Context) error {
	now, _, err := r.lock.Get(ctx)
	if err != nil {
		return fmt.Errorf("Lease %s could not be acquired: %w", r.lock.Describe(), err)
	}
	return fmt.Errorf("%w: %s since %s (Lease %s): wait until that process has ended", ErrReserved, now.HolderIdentity, now.AcquireTime.Format(time.DateTime), r.lock.Describe())
}

// thisProcess is a unique holder identity by which people can find the process.
func thisProcess() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("process %d on %s (%s)", os.Getpid(), host, rand.Text()[:6])
}

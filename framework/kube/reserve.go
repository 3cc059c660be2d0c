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

// pace is how a reservation is renewed while its holder lives. One that was silent for long
// is dead: killed, or its machine gone.
type pace struct{ every, giveUp, silent time.Duration }

var usualPace = pace{every: 4 * time.Second, giveUp: 15 * time.Second, silent: 20 * time.Second}

// ErrReserved means that another process has what was asked for, and is alive.
var ErrReserved = errors.New("in use by another process")

// reservations is whose the Leases are.
const reservations Owner = "reservation"

// Reservation is a name that this process has for itself. It has to be freed or bequeathed.
type Reservation struct {
	// Inherited says that the name was another's, who died or could not clear away:
	// something of its making may be there still.
	Inherited bool

	leases typedcoordination.LeaseInterface
	lock   *resourcelock.LeaseLock
	end    func()
}

// Reserve takes a name for this process alone, among all that work on the cluster from
// wherever, by a Lease. One that is left of a process that died is taken over after 20 s;
// one whose holder lives is refused after half a minute.
func (c *Client) Reserve(ctx context.Context, ns, name string) (*Reservation, error) {
	return c.reserve(ctx, usualPace, ns, name)
}

func (c *Client) reserve(ctx context.Context, p pace, ns, name string) (*Reservation, error) {
	r := &Reservation{leases: c.typed.CoordinationV1().Leases(ns)}
	meta := metav1.ObjectMeta{Namespace: ns, Name: name, Labels: map[string]string{OwnerLabel: string(reservations)}}
	_, err := r.leases.Create(ctx, &coordinationv1.Lease{ObjectMeta: meta}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		r.Inherited = true
		var there *coordinationv1.Lease
		there, err = r.leases.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			err = nil // freed meanwhile
		} else if _, ours := Ours(there); err == nil && !ours {
			err = fmt.Errorf("%w: remove or rename it", ErrForeign)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("Lease %s/%s: %w", ns, name, err)
	}
	r.lock = &resourcelock.LeaseLock{LeaseMeta: meta, Labels: meta.Labels, Client: c.typed.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: thisProcess()}}
	if err := r.hold(ctx, p); err != nil {
		return nil, err
	}
	return r, nil
}

// Free gives the name back and removes the Lease.
func (r *Reservation) Free(ctx context.Context) error {
	r.Bequeath()
	name := r.lock.LeaseMeta.Name
	last, err := r.leases.Get(ctx, name, metav1.GetOptions{})
	// It may still name us: giving it back can have met its last renewal.
	if err == nil && slices.Contains([]string{"", r.lock.Identity()}, holder(last)) {
		err = r.leases.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &last.ResourceVersion}})
	}
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // whoever took it since removes it
	}
	return err
}

// Bequeath gives the name back and leaves the Lease: who takes it next knows that not all
// could be cleared away.
func (r *Reservation) Bequeath() { r.end() }

func holder(l *coordinationv1.Lease) string {
	if l.Spec.HolderIdentity == nil {
		return ""
	}
	return *l.Spec.HolderIdentity
}

func (r *Reservation) hold(ctx context.Context, p pace) error {
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
func (r *Reservation) refused(ctx context.Context) error {
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

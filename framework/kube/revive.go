package kube

import (
	"context"
	"fmt"
	"time"

	"meshgate/framework/wait"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Revive scales a Deployment of meshgate from 0 to 1 replica when the process that had
// stopped it died, and reports whether it did. While a live process holds a reservation in
// the namespace it waits: that process may have stopped the Deployment and will start it.
func (c *Client) Revive(ctx context.Context, d wait.Deadline, ns, name string) (revived bool, err error) {
	return c.revive(ctx, defaultTiming, d, ns, name)
}

func (c *Client) revive(ctx context.Context, t leaseTiming, d wait.Deadline, ns, name string) (revived bool, err error) {
	deployments, seen := c.typed.AppsV1().Deployments(ns), renewals{}
	_, err = wait.Until(ctx, d, pollEvery, func(ctx context.Context) error {
		have, err := deployments.Get(ctx, name, metav1.GetOptions{})
		if err != nil || have.Spec.Replicas == nil || *have.Spec.Replicas > 0 {
			return err
		}
		if _, ours := Ours(have); !ours {
			return wait.Final(fmt.Errorf("start deployment %s/%s: %w", ns, name, ErrForeign))
		}
		if err := c.expired(ctx, t, seen, ns); err != nil {
			return fmt.Errorf("deployment %s/%s is stopped: %w", ns, name, err)
		}
		// The resourceVersion makes this a conflict if the Deployment was changed in between.
		patch := fmt.Sprintf(`{"metadata":{"resourceVersion":%q},"spec":{"replicas":1}}`, have.ResourceVersion)
		_, err = deployments.Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: FieldManager})
		revived = err == nil
		return err
	})
	return revived, err
}

// Unreserved returns when no live process holds a reservation on the cluster: at once, or
// 20 s after the last renewal of a Lease. ErrReserved names a holder that keeps renewing.
func (c *Client) Unreserved(ctx context.Context) error {
	return c.unreserved(ctx, defaultTiming)
}

func (c *Client) unreserved(ctx context.Context, t leaseTiming) error {
	seen := renewals{}
	d := wait.Deadline{Name: "nothing on the cluster is reserved", Within: t.LeaseDuration + t.RenewDeadline}
	_, err := wait.Until(ctx, d, pollEvery, func(ctx context.Context) error { return c.expired(ctx, t, seen, metav1.NamespaceAll) })
	return err
}

// renewals has the time at which this process first saw each renewal of a Lease. The clock
// of the holder may differ from ours, so RenewTime alone does not tell how old a renewal is.
type renewals map[renewal]time.Time

type renewal struct {
	holder  string
	renewed int64 // ns of the holder's clock
}

// age is the time since this process first saw the renewal.
func (s renewals) age(of renewal) time.Duration {
	if _, known := s[of]; !known {
		s[of] = time.Now()
	}
	return time.Since(s[of])
}

// expired is nil when no Lease in the namespace was renewed during the last LeaseDuration.
func (c *Client) expired(ctx context.Context, t leaseTiming, seen renewals, ns string) error {
	all, err := c.typed.CoordinationV1().Leases(ns).List(ctx, metav1.ListOptions{LabelSelector: OwnerLabel + "=" + string(reservations)})
	if err != nil {
		return err
	}
	for _, l := range all.Items {
		if l.Spec.RenewTime == nil || holder(&l) == "" {
			continue // it is just being acquired or released
		}
		if age := seen.age(renewal{holder(&l), l.Spec.RenewTime.UnixNano()}); age < t.LeaseDuration {
			err = fmt.Errorf("%w: %s renewed its reservation %s ago (Lease %s/%s)", ErrReserved, holder(&l), age.Round(time.Second), l.Namespace, l.Name)
		}
	}
	return err
}

package kube

import (
	"context"
	"fmt"
	"time"

	"meshgate/framework/wait"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Revive gives a Deployment of ours a replica where it has none because whoever stopped it
// died, and says whether it did. It waits for those who live and may have stopped it, as
// far as they have something reserved in its namespace: they start it themselves.
func (c *Client) Revive(ctx context.Context, d wait.Deadline, ns, name string) (revived bool, err error) {
	return c.revive(ctx, usualPace, d, ns, name)
}

func (c *Client) revive(ctx context.Context, p pace, d wait.Deadline, ns, name string) (revived bool, err error) {
	deployments, heard := c.typed.AppsV1().Deployments(ns), signs{}
	_, err = wait.Until(ctx, d, pollEvery, func(ctx context.Context) error {
		have, err := deployments.Get(ctx, name, metav1.GetOptions{})
		if err != nil || have.Spec.Replicas == nil || *have.Spec.Replicas > 0 {
			return err
		}
		if _, ours := Ours(have); !ours {
			return wait.Final(fmt.Errorf("start deployment %s/%s: %w", ns, name, ErrForeign))
		}
		if err := c.silent(ctx, p, heard, ns); err != nil {
			return fmt.Errorf("deployment %s/%s is stopped: %w", ns, name, err)
		}
		// Who stops it again meanwhile changes it: then this is a conflict.
		patch := fmt.Sprintf(`{"metadata":{"resourceVersion":%q},"spec":{"replicas":1}}`, have.ResourceVersion)
		_, err = deployments.Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: FieldManager})
		revived = err == nil
		return err
	})
	return revived, err
}

// Unreserved returns when nobody who lives has anything reserved on the cluster: at once,
// or 20 s after the last sign of life; ErrReserved says who goes on living.
func (c *Client) Unreserved(ctx context.Context) error {
	return c.unreserved(ctx, usualPace)
}

func (c *Client) unreserved(ctx context.Context, p pace) error {
	heard := signs{}
	d := wait.Deadline{Name: "nothing on the cluster is reserved", Within: p.silent + p.giveUp}
	_, err := wait.Until(ctx, d, pollEvery, func(ctx context.Context) error { return c.silent(ctx, p, heard, metav1.NamespaceAll) })
	return err
}

// signs of life, and when each was first seen. Clocks differ: that one has grown old is
// known only from having watched it.
type signs map[sign]time.Time

type sign struct {
	holder  string
	renewed int64 // ns of the holder's clock
}

// age is for how long a sign is known.
func (s signs) age(of sign) time.Duration {
	if _, known := s[of]; !known {
		s[of] = time.Now()
	}
	return time.Since(s[of])
}

// silent is nil when nobody who has something reserved in the namespace was heard of for
// as long as nobody keeps silent who lives.
func (c *Client) silent(ctx context.Context, p pace, heard signs, ns string) error {
	all, err := c.typed.CoordinationV1().Leases(ns).List(ctx, metav1.ListOptions{LabelSelector: OwnerLabel + "=" + string(reservations)})
	if err != nil {
		return err
	}
	for _, l := range all.Items {
		if l.Spec.RenewTime == nil || holder(&l) == "" {
			continue // being taken, or given back
		}
		if age := heard.age(sign{holder(&l), l.Spec.RenewTime.UnixNano()}); age < p.silent {
			err = fmt.Errorf("%w: %s gave a sign of life %s ago (Lease %s/%s)", ErrReserved, holder(&l), age.Round(time.Second), l.Namespace, l.Name)
		}
	}
	return err
}

package kube

import (
	"context"
	"fmt"

	"meshgate/framework/wait"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Scale sets the number of replicas of a Deployment and waits until they are ready, or for
// 0 until every pod is gone. A Deployment that meshgate did not create is refused with
// ErrForeign.
func (c *Client) Scale(ctx context.Context, d wait.Deadline, ns, name string, replicas int32) error {
	deployments := c.typed.AppsV1().Deployments(ns)
	have, err := deployments.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("scale deployment %s/%s: %w", ns, name, err)
	}
	if _, ours := Ours(have); !ours {
		return fmt.Errorf("scale deployment %s/%s: %w", ns, name, ErrForeign)
	}
	patch := fmt.Sprintf(`{"spec":{"replicas":%d}}`, replicas)
	if _, err := deployments.Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: FieldManager}); err != nil {
		return fmt.Errorf("scale deployment %s/%s to %d: %w", ns, name, replicas, err)
	}
	if replicas > 0 {
		return c.AwaitDeployment(ctx, d, ns, name, nil)
	}
	return c.podsGone(ctx, d, ns, metav1.FormatLabelSelector(have.Spec.Selector))
}

func (c *Client) podsGone(ctx context.Context, d wait.Deadline, ns, selector string) error {
	_, err := wait.Until(ctx, d, pollEvery, func(ctx context.Context) error {
		list, err := c.typed.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err == nil && len(list.Items) > 0 {
			err = fmt.Errorf("pods of %s with %q: want none, got %d, first %s", ns, selector, len(list.Items), list.Items[0].Name)
		}
		return err
	})
	return err
}

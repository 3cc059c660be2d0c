package kube

import (
	"context"
	"fmt"
	"strings"
	"time"

	"meshgate/framework/wait"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// recheckEvery is how often AwaitDeployment checks a Deployment that has not changed: the
// reasons in the status of its pods change without it.
const recheckEvery = 2 * time.Second

// AwaitDeployment waits until DeploymentReady is nil. It watches the Deployment and checks
// when it changes, because many polling waits load the API server more than the pods do.
// The result of each check is passed to tell, which may be nil.
func (c *Client) AwaitDeployment(ctx context.Context, d wait.Deadline, ns, name string, tell func(error)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	changes, done := c.watchDeployment(ctx, ns, name)
	defer done()
	_, err := wait.Until(ctx, d, pollEvery, func(ctx context.Context) error {
		err := c.DeploymentReady(ctx, ns, name)
		if tell != nil && ctx.Err() == nil {
			tell(err)
		}
		if err != nil {
			nextChange(ctx, changes)
		}
		return err
	})
	return err
}

// watchDeployment returns the changes of a Deployment, or a nil channel when watching it
// fails.
func (c *Client) watchDeployment(ctx context.Context, ns, name string) (changes <-chan watch.Event, stop func()) {
	w, err := c.typed.AppsV1().Deployments(ns).Watch(ctx, metav1.SingleObject(metav1.ObjectMeta{Name: name}))
	if err != nil {
		return nil, func() {}
	}
	return w.ResultChan(), w.Stop
}

// nextChange returns when the Deployment has changed, or after recheckEvery.
func nextChange(ctx context.Context, changes <-chan watch.Event) {
	again := time.NewTimer(recheckEvery)
	defer again.Stop()
	for {
		select {
		case _, open := <-changes:
			if open {
				return
			}
			changes = nil // the server has ended the watch; wait for the timer
		case <-again.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// DeploymentReady is nil when every replica runs the newest template and is available;
// otherwise the error says what is missing and why its pods are not ready.
func (c *Client) DeploymentReady(ctx context.Context, ns, name string) error {
	d, err := c.typed.AppsV1().Deployments(ns).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("deployment %s/%s: %w", ns, name, err)
	}
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	if rolledOut(d, want) {
		return nil
	}
	return fmt.Errorf("deployment %s/%s: replicas ready: want %d, got %d%s", ns, name, want, d.Status.AvailableReplicas, c.why(ctx, d))
}

func rolledOut(d *appsv1.Deployment, want int32) bool {
	s := d.Status
	return s.ObservedGeneration >= d.Generation && s.UpdatedReplicas == want && s.AvailableReplicas == want && s.Replicas == want
}

func (c *Client) why(ctx context.Context, d *appsv1.Deployment) string {
	pods, err := c.Pods(ctx, d.Namespace, metav1.FormatLabelSelector(d.Spec.Selector))
	if err != nil {
		return "; " + err.Error()
	}
	var why []string
	for _, p := range pods {
		if r := NotReady(p); r != "" {
			why = append(why, r)
		}
	}
	if len(pods) == 0 {
		for _, cond := range d.Status.Conditions {
			if cond.Status == corev1.ConditionFalse || cond.Type == appsv1.DeploymentReplicaFailure {
				why = append(why, cond.Message)
			}
		}
	}
	if len(why) == 0 {
		return ""
	}
	return ": " + strings.Join(why, "; ")
}

// Ready reports whether a pod's Ready condition is true, and since when by the cluster's
// clock, in whole seconds. Container statuses are no substitute: a new pod has none.
func Ready(p corev1.Pod) (since time.Time, ready bool) {
	for _, cond := range p.Status.Conditions {
		if cond.Type == corev1.PodReady && cond.Status == corev1.ConditionTrue {
			return cond.LastTransitionTime.Time, true
		}
	}
	return time.Time{}, false
}

// NotReady says why a pod is not ready, or "" when it is.
func NotReady(p corev1.Pod) string {
	if _, ready := Ready(p); ready {
		return ""
	}
	for _, cond := range p.Status.Conditions {
		if cond.Type == corev1.PodScheduled && cond.Status == corev1.ConditionFalse {
			return fmt.Sprintf("pod %s not scheduled: %s", p.Name, cond.Message)
		}
	}
	for _, s := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
		if r := stuck(s); r != "" {
			return fmt.Sprintf("pod %s, container %s: %s", p.Name, s.Name, r)
		}
	}
	return fmt.Sprintf("pod %s: %s", p.Name, p.Status.Phase)
}

func stuck(s corev1.ContainerStatus) string {
	switch {
	case s.State.Waiting != nil && s.State.Waiting.Reason != "PodInitializing":
		return strings.TrimSpace(s.State.Waiting.Reason + " " + s.State.Waiting.Message)
	case s.State.Terminated != nil && s.State.Terminated.ExitCode != 0:
		return strings.TrimSpace(fmt.Sprintf("exited with %d %s %s", s.State.Terminated.ExitCode, s.State.Terminated.Reason, s.State.Terminated.Message))
	case s.State.Running != nil && !s.Ready:
		return "running, not ready"
	}
	return ""
}

// Package policy proves whether a cluster enforces NetworkPolicy: two pods communicate, a
// policy forbids it and they must stop; the policy is deleted and they must communicate
// again.
package policy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"meshgate/framework/cluster"
	"meshgate/framework/kube"
	"meshgate/framework/probe"
	"meshgate/framework/wait"
)

// Capability is the capability's name in reasons for its absence.
const Capability = "NetworkPolicy"

const (
	probeLimit = 400 * time.Millisecond // a packet that is dropped has no answer
	interval   = 50 * time.Millisecond
)

// Proof is one check of a cluster.
type Proof struct {
	Kube *kube.Client
	// Owner is the owner label of the proof's objects.
	Owner kube.Owner
	// Namespace is where the pods run; it must exist.
	Namespace string
	// Image is the agent's, see fixtures/apps/cmd/agent.
	Image string
	// Budget bounds it: Ready for the pods, Converged for the effect of a policy
	// (seen within 31 ms, and its end within 131 ms), Deletion for the cleanup.
	Budget wait.Budget
}

// Run returns nil if policies are enforced, and a *cluster.AbsentError if they are not or the
// pods cannot run. Any other error means that the check itself failed. Its objects are
// deleted when it returns.
func (p Proof) Run(ctx context.Context) error {
	err := p.run(ctx)
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), p.Budget.Deletion)
	defer stop()
	return errors.Join(err, p.remove(ctx))
}

func (p Proof) run(ctx context.Context) error {
	if err := p.create(ctx); err != nil {
		return err
	}
	address, err := p.talking(ctx)
	if err != nil {
		return err
	}
	if err := p.Kube.Apply(ctx, p.Owner, p.deny()); err != nil {
		return fmt.Errorf("policy for the proof of enforcement: %w", err)
	}
	_, err = wait.Converge(ctx, wait.Deadline{Name: "deny-all policy takes effect", Within: p.Budget.Converged}, interval, 2, func(ctx context.Context) error {
		return p.silent(ctx, address)
	})
	if errors.Is(err, wait.ErrExpired) {
		return &cluster.AbsentError{Capability: Capability, Reason: fmt.Sprintf("this cluster does not enforce it: %s", err)}
	}
	if err != nil {
		return err
	}
	return p.again(ctx, address)
}

// again is the second positive control: it proves that the policy was the cause.
func (p Proof) again(ctx context.Context, address string) error {
	if err := p.Kube.Delete(ctx, p.deny()); err != nil {
		return fmt.Errorf("policy for the proof of enforcement: %w", err)
	}
	_, err := wait.Until(ctx, wait.Deadline{Name: "pods reach each other after the policy is gone", Within: p.Budget.Converged}, interval, func(ctx context.Context) error {
		return p.reached(ctx, address)
	})
	return err
}

// talking waits for the pods and their positive control, and returns the target's address.
func (p Proof) talking(ctx context.Context) (address string, err error) {
	_, err = wait.Until(ctx, wait.Deadline{Name: "pods of the enforcement check talk", Within: p.Budget.Ready}, interval, func(ctx context.Context) error {
		ip, err := p.running(ctx)
		if err != nil {
			return err
		}
		address = net.JoinHostPort(ip, agentPort)
		return p.reached(ctx, address)
	})
	if stuck := (*imageError)(nil); errors.As(err, &stuck) {
		return "", &cluster.AbsentError{Capability: Capability, Reason: fmt.Sprintf("it could not be proven: %s", stuck)}
	}
	return address, err
}

// imageError means that the cluster cannot provide the image of a pod.
type imageError struct{ what string }

func (e *imageError) Error() string { return e.what }

// running returns the target's address when both pods run.
func (p Proof) running(ctx context.Context) (ip string, err error) {
	for _, name := range []string{client, target} {
		pod, err := p.Kube.Typed().CoreV1().Pods(p.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", fmt.Errorf("pod %s/%s: %w", p.Namespace, name, err)
		}
		if err := noImage(pod); err != nil {
			return "", wait.Final(err)
		}
		if pod.Status.Phase != corev1.PodRunning || pod.Status.PodIP == "" {
			return "", errors.New(kube.NotReady(*pod))
		}
		ip = pod.Status.PodIP
	}
	return ip, nil
}

func noImage(pod *corev1.Pod) error {
	for _, s := range pod.Status.ContainerStatuses {
		w := s.State.Waiting
		if w != nil && (w.Reason == "ErrImagePull" || w.Reason == "ImagePullBackOff" || w.Reason == "InvalidImageName" || w.Reason == "ErrImageNeverPull") {
			return &imageError{what: fmt.Sprintf("pod %s/%s: %s: %s", pod.Namespace, pod.Name, w.Reason, w.Message)}
		}
	}
	return nil
}

func (p Proof) ask(ctx context.Context, address string) probe.Observation {
	r := probe.GET("http://" + address + "/healthz")
	r.Timeout = probeLimit
	return probe.Inside(p.Kube, p.Namespace, client).Do(ctx, r)
}

func (p Proof) reached(ctx context.Context, address string) error {
	if o := p.ask(ctx, address); o.Status != 200 {
		return fmt.Errorf("pod %s to %s: want an answer, got %s", client, address, describe(o))
	}
	return nil
}

// silent is nil when the connection failed in a way that a policy causes. A probe that could
// not run proves nothing.
func (p Proof) silent(ctx context.Context, address string) error {
	o := p.ask(ctx, address)
	if o.Failure != nil {
		switch o.Failure.Class {
		case probe.ClassTimeout, probe.ClassRefused, probe.ClassReset, probe.ClassUnreachable:
			return nil
		}
	}
	return fmt.Errorf("pod %s to %s: want no answer, got %s", client, address, describe(o))
}

func describe(o probe.Observation) string {
	if o.Failure != nil {
		return o.Failure.Class + ": " + o.Failure.Message
	}
	return fmt.Sprintf("status %d", o.Status)
}

// remove deletes pods and policy immediately, without a grace period.
func (p Proof) remove(ctx context.Context) error {
	var errs []error
	now := int64(0)
	for _, name := range []string{client, target} {
		err := p.Kube.Typed().CoreV1().Pods(p.Namespace).Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("remove pod %s/%s: %w", p.Namespace, name, err))
		}
	}
	err := p.Kube.Typed().NetworkingV1().NetworkPolicies(p.Namespace).Delete(ctx, target, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		errs = append(errs, fmt.Errorf("remove policy %s/%s: %w", p.Namespace, target, err))
	}
	return errors.Join(errs...)
}

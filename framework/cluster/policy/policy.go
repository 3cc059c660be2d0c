// Package policy proves whether a cluster enforces NetworkPolicy: two pods talk,
// a policy forbids it, and they must stop; it goes, and they must talk again.
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

// Capability is the name in reasons for absence.
const Capability = "NetworkPolicy"

const (
	patience = 400 * time.Millisecond // a packet that is dropped has no answer
	interval = 50 * time.Millisecond
)

// Proof is one check of a cluster.
type Proof struct {
	Kube *kube.Client
	// Owner labels what the proof creates.
	Owner kube.Owner
	// Namespace holds the pods; it must exist.
	Namespace string
	// Image is the agent's, see fixtures/apps/cmd/agent.
	Image string
	// Budget bounds it: Ready for the pods, Converged for the effect of a policy
	// (seen within 31 ms, and its end within 131 ms), Deletion for the cleanup.
	Budget wait.Budget
}

// Run returns nil if policies are enforced, and a *cluster.AbsentError if they
// are not or if the pods cannot run here. Any other error means that nothing was
// found out. What it created is gone when it returns.
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

// again is the second positive control: it was the policy that kept them apart.
func (p Proof) again(ctx context.Context, address string) error {
	if err := p.Kube.Delete(ctx, p.deny()); err != nil {
		return fmt.Errorf("policy for the proof of enforcement: %w", err)
	}
	_, err := wait.Until(ctx, wait.Deadline{Name: "pods reach each other after the policy is gone", Within: p.Budget.Converged}, interval, func(ctx context.Context) error {
		return p.reached(ctx, address)
	})
	return err
}

// talking waits for the pods and their positive control. It returns the target's
// address.
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

// imageError is a pod whose image cannot be had in this cluster.
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
	r.Timeout = patience
	return probe.Inside(p.Kube, p.Namespace, client).Do(ctx, r)
}

func (p Proof) reached(ctx context.Context, address string) error {
	if o := p.ask(ctx, address); o.Status != 200 {
		return fmt.Errorf("pod %s to %s: want an answer, got %s", client, address, describe(o))
	}
	return nil
}

// silent accepts what a policy can do to a connection, and nothing else: a probe
// that could not run is no proof.
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

// remove deletes pods and policy at once, without their grace.
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

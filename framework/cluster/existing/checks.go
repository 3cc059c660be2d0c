package existing

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"meshgate/framework/cluster"
	"meshgate/framework/cluster/policy"
	"meshgate/framework/kube"
	"meshgate/framework/wait"
)

const (
	// checkNamespace has the objects of the checks and is deleted after them.
	checkNamespace = "meshgate-check"
	balancerName   = "balancer-check"
	balancer       = "LoadBalancer"
	poll           = 250 * time.Millisecond
)

func namespace() *unstructured.Unstructured { return object("Namespace", "", checkNamespace) }

func object(kind, ns, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetAPIVersion("v1")
	o.SetKind(kind)
	o.SetNamespace(ns)
	o.SetName(name)
	return o
}

// enforces proves that NetworkPolicies are enforced; reason says why the capability is
// missing.
func (p *Provider) enforces(ctx context.Context, k *kube.Client) (reason, err error) {
	err = policy.Proof{Kube: k, Owner: owner, Namespace: checkNamespace, Image: p.o.Image, Budget: p.o.Budget}.Run(ctx)
	return split(err)
}

// balances checks whether Services of type LoadBalancer get addresses. An existing Service
// with an address suffices; otherwise it creates one.
func (p *Provider) balances(ctx context.Context, k *kube.Client) (reason, err error) {
	shown, err := shows(ctx, k)
	if err != nil || shown {
		return nil, err
	}
	svc := object("Service", checkNamespace, balancerName)
	svc.Object["spec"] = map[string]any{"type": balancer, "ports": []any{map[string]any{"port": int64(80)}}}
	if err := k.Apply(ctx, owner, svc); err != nil {
		return nil, fmt.Errorf("service for the check of load balancers: %w", err)
	}
	limit := wait.Deadline{Name: "a LoadBalancer service gets an address", Within: p.o.Budget.Ready}
	_, err = wait.Until(ctx, limit, poll, func(ctx context.Context) error {
		s, err := k.Typed().CoreV1().Services(checkNamespace).Get(ctx, balancerName, metav1.GetOptions{})
		if err == nil && len(s.Status.LoadBalancer.Ingress) == 0 {
			err = fmt.Errorf("service %s/%s has no address", checkNamespace, balancerName)
		}
		return err
	})
	if errors.Is(err, wait.ErrExpired) {
		return &cluster.AbsentError{Capability: balancer, Reason: err.Error()}, nil
	}
	return nil, err
}

// shows reports whether a Service of this cluster has a load balancer address.
func shows(ctx context.Context, k *kube.Client) (bool, error) {
	list, err := k.Typed().CoreV1().Services("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, fmt.Errorf("services of the cluster: %w", err)
	}
	for _, s := range list.Items {
		if s.Spec.Type == corev1.ServiceTypeLoadBalancer && len(s.Status.LoadBalancer.Ingress) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// split separates the reason for a missing capability from a failure of the check.
func split(err error) (reason, failure error) {
	var absent *cluster.AbsentError
	if errors.As(err, &absent) {
		return absent, nil
	}
	return nil, err
}

// ours names the objects that the checks have left, with the command that removes them.
func ours(ctx context.Context, k *kube.Client) ([]string, error) {
	ns, err := k.Typed().CoreV1().Namespaces().Get(ctx, checkNamespace, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list remaining objects of the checks: %w", err)
	}
	if _, ours := kube.Ours(ns); !ours {
		return nil, nil
	}
	return []string{fmt.Sprintf("namespace %s: kubectl delete namespace %s", checkNamespace, checkNamespace)}, nil
}

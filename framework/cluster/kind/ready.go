package kind

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"meshgate/framework/cluster/kind/addons"
	"meshgate/framework/kube"
	"meshgate/framework/progress"
	"meshgate/framework/wait"
)

// ready waits until every part of the cluster runs. It does not use kind's own wait, which
// returns success with a warning when it expires.
func (w work) ready(ctx context.Context, k *kube.Client) error {
	waits := map[string]func(context.Context) error{
		"nodes ready":   func(ctx context.Context) error { return nodesReady(ctx, k, w.o.Nodes) },
		"CoreDNS ready": func(ctx context.Context) error { return k.DeploymentReady(ctx, "kube-system", dns) },
		"MetalLB controller": func(ctx context.Context) error {
			return k.DeploymentReady(ctx, addons.MetalLBNamespace, addons.MetalLBController)
		},
		"MetalLB speakers": func(ctx context.Context) error {
			return daemonsReady(ctx, k, addons.MetalLBNamespace, addons.MetalLBSpeaker)
		},
	}
	if len(w.parts.calico) > 0 {
		waits["Calico ready"] = func(ctx context.Context) error {
			return daemonsReady(ctx, k, addons.CalicoNamespace, addons.CalicoNode)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	shown := progress.NewGroup(w.phase)
	for name, cond := range waits {
		g.Go(func() error {
			_, err := wait.Until(ctx, w.deadline(name), poll, func(ctx context.Context) error {
				err := cond(ctx)
				shown.Waiting(name, err)
				return err
			})
			return err
		})
	}
	return g.Wait()
}

// nodesReady is nil when all nodes exist and are Ready.
func nodesReady(ctx context.Context, k *kube.Client, want int) error {
	list, err := k.Typed().CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("nodes: %w", err)
	}
	if len(list.Items) != want {
		return fmt.Errorf("nodes: want %d, got %d", want, len(list.Items))
	}
	var errs []error
	for _, n := range list.Items {
		errs = append(errs, nodeReady(n))
	}
	return errors.Join(errs...)
}

func nodeReady(n corev1.Node) error {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			return nil
		}
		if c.Type == corev1.NodeReady {
			return fmt.Errorf("node %s: not Ready: %s", n.Name, c.Message)
		}
	}
	return fmt.Errorf("node %s: want condition Ready, got none", n.Name)
}

// daemonsReady is nil when every node runs the newest pod of a DaemonSet.
func daemonsReady(ctx context.Context, k *kube.Client, ns, name string) error {
	d, err := k.Typed().AppsV1().DaemonSets(ns).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("daemon set %s/%s: %w", ns, name, err)
	}
	s := d.Status
	if s.ObservedGeneration < d.Generation || s.DesiredNumberScheduled == 0 {
		return fmt.Errorf("daemon set %s/%s: its controller has not observed it yet", ns, name)
	}
	if s.UpdatedNumberScheduled == s.DesiredNumberScheduled && s.NumberReady == s.DesiredNumberScheduled {
		return nil
	}
	err = fmt.Errorf("daemon set %s/%s: ready: want %d, got %d", ns, name, s.DesiredNumberScheduled, s.NumberReady)
	pods, perr := k.Pods(ctx, ns, metav1.FormatLabelSelector(d.Spec.Selector))
	if perr != nil {
		return errors.Join(err, perr)
	}
	for _, p := range pods {
		if why := kube.NotReady(p); why != "" {
			err = fmt.Errorf("%w: %s", err, why)
		}
	}
	return err
}

// finalIfRefused ends the wait for an object that the API server will never accept.
func finalIfRefused(err error) error {
	if errors.Is(err, kube.ErrForeign) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
		return wait.Final(err)
	}
	return err
}

package kind

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster/kind/addons"
	"meshgate/framework/kube"
	"meshgate/framework/wait"
)

// install applies the addons as soon as the API server accepts them, well before kind's
// creation ends; but it applies their pods only after their images are imported: a kubelet
// that misses an image waits long before it tries again.
func (w work) install(ctx context.Context, p plan, addresses string, settled, imported <-chan struct{}) (*kube.Client, error) {
	if err := after(ctx, settled); err != nil {
		return nil, err
	}
	groups, err := w.addons(p, addresses)
	if err != nil {
		return nil, err
	}
	k, err := w.reach(ctx)
	if err != nil {
		return nil, err
	}
	for _, objs := range groups {
		if err := w.applyGroup(ctx, k, objs, imported); err != nil {
			return nil, err
		}
	}
	w.phase.Waiting("CoreDNS to exist and be scaled to one replica")
	return k, w.trimDNS(ctx, k)
}

// applyGroup applies the objects of one addon in stages.
func (w work) applyGroup(ctx context.Context, k *kube.Client, objs []*unstructured.Unstructured, imported <-chan struct{}) error {
	for _, stage := range addons.Stages(objs) {
		if len(stage.Objects) == 0 {
			continue
		}
		if stage.Pods {
			w.phase.Waiting("images of the addons")
			if err := after(ctx, imported); err != nil {
				return err
			}
		}
		w.phase.Waiting(fmt.Sprintf("addons: %d objects, the first is %s", len(stage.Objects), kube.Name(stage.Objects[0])))
		if err := w.applyAll(ctx, k, stage.Objects); err != nil {
			return err
		}
	}
	return nil
}

// admitPods waits for the network of every node and then removes the taint that keeps pods
// off.
func (w work) admitPods(ctx context.Context, k *kube.Client) error {
	if len(w.parts.calico) == 0 {
		return nil
	}
	_, err := wait.Until(ctx, w.deadline("Calico ready on every node"), poll, func(ctx context.Context) error {
		if err := nodesReady(ctx, k, w.o.Nodes); err != nil {
			return err
		}
		return daemonsReady(ctx, k, addons.CalicoNamespace, addons.CalicoNode)
	})
	if err != nil {
		return err
	}
	_, err = wait.Until(ctx, w.deadline("nodes admit pods"), poll, func(ctx context.Context) error {
		return untaint(ctx, k)
	})
	return err
}

// untaint removes networkTaint from all nodes. It retries when a node was changed in between.
func untaint(ctx context.Context, k *kube.Client) error {
	nodes, err := k.Typed().CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("nodes: %w", err)
	}
	for _, n := range nodes.Items {
		n.Spec.Taints = slices.DeleteFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == networkTaint })
		if _, err := k.Typed().CoreV1().Nodes().Update(ctx, &n, metav1.UpdateOptions{FieldManager: kube.FieldManager}); err != nil {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
	}
	return nil
}

// addons are the objects of each addon in the order in which they are needed: without Calico
// no pod starts.
func (w work) addons(p plan, addresses string) ([][]*unstructured.Unstructured, error) {
	ns := &unstructured.Unstructured{Object: map[string]any{}}
	ns.SetAPIVersion("v1")
	ns.SetKind("Namespace")
	ns.SetName(systemNamespace)
	groups := [][]*unstructured.Unstructured{}
	if p.calico {
		calico, err := w.manifest(w.parts.calico, func(m []byte) ([]*unstructured.Unstructured, error) {
			return addons.Calico(m, podSubnet, w.names.controlPlane(), apiServerPort, imageNames(w.parts.calico))
		})
		if err != nil {
			return nil, err
		}
		groups = append(groups, calico)
	}
	metallb, err := w.manifest(w.parts.metallb, func(m []byte) ([]*unstructured.Unstructured, error) {
		return addons.MetalLB(m, w.names.controlPlane(), apiServerPort, imageNames(w.parts.metallb))
	})
	if err != nil {
		return nil, err
	}
	return append(groups, append(append(metallb, ns), addons.Pool(addresses)...)), nil
}

// manifest reads the only manifest of a component and adapts it.
func (w work) manifest(entries []bundle.Entry, prepare func([]byte) ([]*unstructured.Unstructured, error)) ([]*unstructured.Unstructured, error) {
	for _, e := range entries {
		if e.Kind != bundle.KindFiles {
			continue
		}
		raw, err := w.bundle.Manifest(e.Name)
		if err != nil {
			return nil, err
		}
		return prepare(raw)
	}
	return nil, fmt.Errorf("bundle %s: component %s: want a manifest, got none", w.bundle.Dir(), entries[0].Component)
}

// reach waits for the API server.
func (w work) reach(ctx context.Context) (*kube.Client, error) {
	var k *kube.Client
	_, err := wait.Until(ctx, w.deadline("API server of "+w.names.cluster+" answers"), poll, func(ctx context.Context) (err error) {
		if k == nil {
			if k, err = connect(ctx, w.engine, w.names); err != nil {
				return err
			}
		}
		// kubeadm's own credentials get their rights only after the server's start.
		_, err = k.Typed().CoreV1().Namespaces().Get(ctx, "kube-system", metav1.GetOptions{})
		return err
	})
	return k, err
}

// maxConcurrentApplies is how many objects are applied at the same time.
const maxConcurrentApplies = 6

// applyAll applies objects concurrently, and retries while the server does not know new kinds
// yet.
func (w work) applyAll(ctx context.Context, k *kube.Client, objs []*unstructured.Unstructured) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxConcurrentApplies)
	for _, o := range objs {
		g.Go(func() error {
			_, err := wait.Until(ctx, w.deadline(kube.Name(o)+" applied"), poll, func(ctx context.Context) error {
				return finalIfRefused(k.Apply(ctx, owner, o))
			})
			return err
		})
	}
	return g.Wait()
}

// trimDNS scales CoreDNS to one replica with a small request: one node needs no second one.
func (w work) trimDNS(ctx context.Context, k *kube.Client) error {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{
		"replicas": 1,
		"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{
			"name": dns, "resources": map[string]any{"requests": map[string]any{"cpu": addons.RequestCPU}},
			"readinessProbe": map[string]any{"periodSeconds": 1},
		}}}},
	}})
	if err != nil {
		return fmt.Errorf("patch for CoreDNS: %w", err)
	}
	_, err = wait.Until(ctx, w.deadline("CoreDNS trimmed"), poll, func(ctx context.Context) error {
		_, err := k.Typed().AppsV1().Deployments("kube-system").Patch(ctx, dns, types.StrategicMergePatchType, patch, metav1.PatchOptions{FieldManager: kube.FieldManager})
		return err
	})
	return err
}

// dns is the name that kubeadm gives to the Deployment and the container of CoreDNS.
const dns = "coredns"

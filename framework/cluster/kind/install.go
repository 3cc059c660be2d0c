package kind

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster/kind/addons"
	"meshgate/framework/kube"
	"meshgate/framework/wait"
)

// install applies the addons as soon as the API server takes them, which is well
// before kind's creation ends, but their pods only when their images are in: a
// kubelet that misses an image waits long before it looks again.
func (w work) install(ctx context.Context, p plan, addresses string, settled, imported <-chan struct{}) (*kube.Client, error) {
	if err := after(ctx, settled); err != nil {
		return nil, err
	}
	objs, err := w.addons(p, addresses)
	if err != nil {
		return nil, err
	}
	k, err := w.reach(ctx)
	if err != nil {
		return nil, err
	}
	for _, stage := range addons.Stages(objs) {
		if stage.Pods {
			w.phase.Waiting("images of the addons")
			if err := after(ctx, imported); err != nil {
				return nil, err
			}
		}
		w.phase.Waiting(fmt.Sprintf("addons: %d objects, the first is %s", len(stage.Objects), kube.Name(stage.Objects[0])))
		if err := w.applyAll(ctx, k, stage.Objects); err != nil {
			return nil, err
		}
	}
	w.phase.Waiting("CoreDNS to be there and trimmed")
	return k, w.trimDNS(ctx, k)
}

// addons are the objects of all addons.
func (w work) addons(p plan, addresses string) ([]*unstructured.Unstructured, error) {
	ns := &unstructured.Unstructured{Object: map[string]any{}}
	ns.SetAPIVersion("v1")
	ns.SetKind("Namespace")
	ns.SetName(systemNamespace)
	objs := []*unstructured.Unstructured{ns}
	if p.calico {
		calico, err := w.manifest(w.parts.calico, func(m []byte) ([]*unstructured.Unstructured, error) {
			return addons.Calico(m, podSubnet, imageNames(w.parts.calico))
		})
		if err != nil {
			return nil, err
		}
		objs = append(objs, calico...)
	}
	metallb, err := w.manifest(w.parts.metallb, func(m []byte) ([]*unstructured.Unstructured, error) {
		return addons.MetalLB(m, imageNames(w.parts.metallb))
	})
	if err != nil {
		return nil, err
	}
	return append(append(objs, metallb...), addons.Pool(addresses)...), nil
}

// manifest reads the one manifest of a component and prepares it.
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
	return nil, fmt.Errorf("bundle %s: component %s holds no manifest", w.bundle.Dir(), entries[0].Component)
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

// lanes is how many objects are applied at the same time.
const lanes = 6

// applyAll applies objects at the same time, and tries again what fails while the
// server learns the new kinds.
func (w work) applyAll(ctx context.Context, k *kube.Client, objs []*unstructured.Unstructured) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lanes)
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

// trimDNS leaves one CoreDNS with a small request: one node needs no second.
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

// dns is the name of CoreDNS' Deployment and container, as kubeadm makes them.
const dns = "coredns"

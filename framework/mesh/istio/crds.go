package istio

import (
	"context"
	"fmt"
	"strings"

	"meshgate/framework/kube"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/metadata"
)

var crdResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// versionNote is the annotation with the version of Istio on a CRD that meshgate applied.
const versionNote = "meshgate.dev/istio-version"

// applyCRDs applies the CRDs that are missing or older. It leaves CRDs that meshgate did not
// apply alone and returns their names: an operator or an earlier Istio may own them.
func applyCRDs(ctx context.Context, k *kube.Client, all []*unstructured.Unstructured, from string) (foreign []string, err error) {
	have, err := presentCRDs(ctx, k)
	if err != nil {
		return nil, err
	}
	missing, foreign := missingCRDs(all, have, from)
	g, gctx := errgroup.WithContext(ctx)
	for _, crd := range missing {
		g.Go(func() error { return k.Apply(gctx, owner, crd) })
	}
	return foreign, g.Wait()
}

// presentCRDs lists the CRDs of the cluster by name. It requests only their metadata: the
// schemas of Istio's CRDs are megabytes, for which a busy API server needs seconds.
func presentCRDs(ctx context.Context, k *kube.Client) (map[string]metav1.Object, error) {
	client, err := metadata.NewForConfig(k.REST())
	if err != nil {
		return nil, fmt.Errorf("CRDs: %w", err)
	}
	list, err := client.Resource(crdResource).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list CRDs: %w", err)
	}
	have := map[string]metav1.Object{}
	for i := range list.Items {
		have[list.Items[i].Name] = &list.Items[i]
	}
	return have, nil
}

// missingCRDs returns the CRDs that must be applied, annotated with their version, and the
// names of foreign ones.
func missingCRDs(all []*unstructured.Unstructured, have map[string]metav1.Object, from string) (missing []*unstructured.Unstructured, foreign []string) {
	for _, crd := range all {
		is, there := have[crd.GetName()]
		if there {
			if _, ours := kube.Ours(is); !ours {
				foreign = append(foreign, crd.GetName())
				continue
			}
			if !newer(from, is.GetAnnotations()[versionNote]) {
				continue
			}
		}
		crd = crd.DeepCopy()
		crd.SetAnnotations(map[string]string{versionNote: from})
		missing = append(missing, crd)
	}
	return missing, foreign
}

// newer reports whether version a is newer than b; any version is newer than "".
func newer(a, b string) bool {
	va, err := version.ParseGeneric(a)
	if err != nil {
		return false
	}
	vb, err := version.ParseGeneric(b)
	return err != nil || vb.LessThan(va)
}

// served is nil when the API server serves the kinds of all CRDs, which begins a moment after
// it has accepted them.
func served(k *kube.Client, all []*unstructured.Unstructured) error {
	_, lists, err := k.Typed().Discovery().ServerGroupsAndResources()
	if err != nil && len(lists) == 0 {
		return fmt.Errorf("list the kinds that the API server serves: %w", err)
	}
	known := map[string]bool{}
	for _, l := range lists {
		group, _, _ := strings.Cut(l.GroupVersion, "/")
		for _, r := range l.APIResources {
			known[r.Name+"."+group] = true
		}
	}
	var waiting []string
	for _, crd := range all {
		if !known[crd.GetName()] {
			waiting = append(waiting, crd.GetName())
		}
	}
	if len(waiting) > 0 {
		return fmt.Errorf("CRDs accepted, but not served yet: %s", strings.Join(waiting, ", "))
	}
	return nil
}

func names(objs []*unstructured.Unstructured) []string {
	out := make([]string, 0, len(objs))
	for _, o := range objs {
		out = append(out, o.GetName())
	}
	return out
}

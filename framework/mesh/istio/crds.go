package istio

import (
	"context"
	"fmt"
	"strings"

	"meshgate/framework/kube"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
)

var crdResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// versionNote says on a CRD of ours which Istio it is from.
const versionNote = "meshgate.dev/istio-version"

// applyCRDs puts in what is missing or older. What others have put in is taken as
// it is and named in the answer: an operator or an earlier Istio may own it.
func applyCRDs(ctx context.Context, k *kube.Client, all []*unstructured.Unstructured, from string) (foreign []string, err error) {
	keep := make([]bool, len(all))
	g, gctx := errgroup.WithContext(ctx)
	for i, crd := range all {
		g.Go(func() (err error) {
			keep[i], err = applyCRD(gctx, k, crd, from)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, crd := range all {
		if keep[i] {
			foreign = append(foreign, crd.GetName())
		}
	}
	return foreign, nil
}

func applyCRD(ctx context.Context, k *kube.Client, crd *unstructured.Unstructured, from string) (foreign bool, err error) {
	have, err := k.Get(ctx, crd)
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return false, err
	default:
		if _, ours := kube.Ours(have); !ours {
			return true, nil
		}
		if !newer(from, have.GetAnnotations()[versionNote]) {
			return false, nil
		}
	}
	crd = crd.DeepCopy()
	crd.SetAnnotations(map[string]string{versionNote: from})
	return false, k.Apply(ctx, owner, crd)
}

// newer tells whether version a is newer than b; anything is newer than nothing.
func newer(a, b string) bool {
	va, err := version.ParseGeneric(a)
	if err != nil {
		return false
	}
	vb, err := version.ParseGeneric(b)
	return err != nil || vb.LessThan(va)
}

// established is nil when the API server serves every CRD.
func established(ctx context.Context, k *kube.Client, all []*unstructured.Unstructured) error {
	var waiting []string
	for _, crd := range all {
		have, err := k.Get(ctx, crd)
		if err != nil {
			return err
		}
		if !isEstablished(have) {
			waiting = append(waiting, crd.GetName())
		}
	}
	if len(waiting) > 0 {
		return fmt.Errorf("CRDs not established yet: %s", strings.Join(waiting, ", "))
	}
	return nil
}

func isEstablished(crd *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["type"] == "Established" && m["status"] == string(metav1.ConditionTrue) {
			return true
		}
	}
	return false
}

func names(objs []*unstructured.Unstructured) []string {
	out := make([]string, 0, len(objs))
	for _, o := range objs {
		out = append(out, o.GetName())
	}
	return out
}

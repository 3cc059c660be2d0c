package testbed

import (
	"context"
	"fmt"
	"slices"

	"meshgate/framework/kube"
	"meshgate/framework/progress"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// sweep removes what belongs to suites, and refuses while one of them runs, from wherever.
func sweep(ctx context.Context, k *kube.Client, log progress.Log) (err error) {
	all, err := k.Owned(ctx, "")
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(all, func(o *unstructured.Unstructured) bool {
		owner, _ := kube.Ours(o)
		return owner == meshOwner || owner == clusterOwner
	})
	if len(left) == 0 {
		return nil
	}
	phase := log.Begin("what runs have left")
	defer func() { phase.End(err) }()
	phase.Waiting("who may be using it")
	if err := k.Unreserved(ctx); err != nil {
		return err
	}
	phase.Waiting(fmt.Sprintf("%d objects to be gone, the first %s", len(left), kube.Name(left[0])))
	return k.Delete(ctx, left...)
}

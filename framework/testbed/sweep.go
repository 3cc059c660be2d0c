package testbed

import (
	"context"
	"fmt"
	"slices"

	"meshgate/framework/kube"
	"meshgate/framework/progress"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// sweep deletes the objects of suites. It refuses while a suite runs from any machine.
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
	phase := log.Begin("objects of earlier runs")
	defer func() { phase.End(err) }()
	phase.Waiting("reservations of other runs")
	if err := k.Unreserved(ctx); err != nil {
		return err
	}
	phase.Waiting(fmt.Sprintf("%d objects to be gone, the first %s", len(left), kube.Name(left[0])))
	return k.Delete(ctx, left...)
}

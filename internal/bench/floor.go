package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"meshgate/fixtures"
	"meshgate/framework/kube"
	"meshgate/framework/machine"
	"meshgate/framework/manifest"
	"meshgate/framework/progress"
	"meshgate/framework/testbed"
	"meshgate/framework/wait"
)

// bareFloor is what any test on such a mesh must spend: cluster with CNI and load
// balancer, Istio by Helm, bookinfo with sidecars ready. Seconds.
func bareFloor(ctx context.Context) (float64, error) {
	cfg, err := benchConfig()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	log := progress.Plain(os.Stderr)
	bed, err := testbed.Up(ctx, cfg, log)
	if err != nil {
		return 0, err
	}
	err = bookinfo(ctx, bed)
	took := time.Since(began).Seconds()
	if lerr := bed.Leave(ctx, log); err == nil {
		err = lerr
	}
	return took, err
}

func bookinfo(ctx context.Context, bed *testbed.Bed) error {
	set, err := manifest.Load(fixtures.FS, "bookinfo/[dp]*.yaml", "bookinfo/re*.yaml", "bookinfo/ratings.yaml", "bookinfo/ratings-v1.yaml") // v2 needs a database
	if err != nil {
		return err
	}
	objs := append(manifest.NewSet(manifest.Namespace("bookinfo", bed.Mesh.MemberLabels)).Objects(), set.Objects()...)
	if err := bed.Kube.Apply(ctx, kube.Owner("bench"), objs...); err != nil {
		return err
	}
	for _, o := range objs {
		if o.GetKind() != "Deployment" {
			continue
		}
		d := wait.Deadline{Name: kube.Name(o) + " ready", Within: bed.Config.Budget.Ready}
		if err := bed.Kube.AwaitDeployment(ctx, d, o.GetNamespace(), o.GetName(), nil); err != nil {
			return err
		}
	}
	return nil
}

// watchMemory samples the machine's available memory; the returned function says by
// how many GiB it fell at most.
func watchMemory(ctx context.Context) func() float64 {
	ctx, stop := context.WithCancel(ctx)
	most, done := make(chan float64, 1), make(chan struct{})
	go func() {
		defer close(done)
		begin, low := available(), available()
		_, _ = wait.Until(ctx, wait.Deadline{Name: "memory watched", Within: time.Hour}, 250*time.Millisecond, func(context.Context) error {
			low = min(low, available())
			return fmt.Errorf("watching")
		})
		most <- begin - low
	}()
	return func() float64 { stop(); <-done; return <-most }
}

// available is the machine's free memory in GiB; a machine that does not say has 0.
func available() float64 {
	free, err := machine.MemoryAvailable()
	if err != nil {
		return 0
	}
	return float64(free) / (1 << 30)
}

// Package disturb makes trouble in the surroundings of a mesh while it is looked at: what
// a verdict must not be misled by. It never touches what the suites or the mesh's
// gateways are.
package disturb

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/kube"
	"meshgate/framework/progress"
	"meshgate/framework/testbed"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// usual is how long the surroundings are left alone, at first and where nothing speaks for
// longer.
const usual = 30 * time.Second

// remembered is longer than clients of an API server remember that it was away (two
// minutes in client-go), for which they come back later each time: disturbed more often, a
// control plane would soon hear of nothing any more.
const remembered = 130 * time.Second

// Disturbance is a kind of trouble.
type Disturbance struct {
	name string
	// once makes trouble once; nil for what goes on all the time.
	once func(context.Context, *testbed.Bed) error
	// every is how long the surroundings are left alone then.
	every time.Duration
	// always goes on until the context ends.
	always func(context.Context)
}

// table lists the kinds; the first is none.
func table() []Disturbance {
	return []Disturbance{
		{name: ""},
		{name: "busy", always: busy},
		{name: "pods", once: killPods, every: usual},
		{name: "istiod", once: restartIstiod, every: usual},
		{name: "apiserver", once: restartAPIServer, every: remembered},
	}
}

// Kinds lists the names for a usage text.
func Kinds() string {
	var names []string
	for _, d := range table()[1:] {
		names = append(names, d.name)
	}
	return strings.Join(names, ", ")
}

// New is the disturbance of that name; the empty name is none.
func New(name string) (Disturbance, error) {
	for _, d := range table() {
		if d.name == name {
			return d, nil
		}
	}
	return Disturbance{}, fmt.Errorf("want one of %s, got %q", Kinds(), name)
}

// Start makes trouble until stop is called, which returns when it has ended.
func (d Disturbance) Start(ctx context.Context, bed *testbed.Bed, log progress.Log) (stop func(), err error) {
	if d.once != nil && bed.Cluster.Provider != "kind" {
		return nil, fmt.Errorf("disturbance %s: only on a cluster that meshgate has made, not on provider %s: %w", d.name, bed.Cluster.Provider, kube.ErrForeign)
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		switch {
		case d.always != nil:
			d.always(ctx)
		case d.once != nil:
			d.again(ctx, bed, log)
		}
	})
	return func() { cancel(); running.Wait() }, nil
}

// again makes trouble now and then.
func (d Disturbance) again(ctx context.Context, bed *testbed.Bed, log progress.Log) {
	next := time.NewTimer(usual)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
			next.Reset(d.every)
		}
		phase := log.Begin("disturbance: " + d.name)
		if err := d.once(ctx, bed); err != nil && ctx.Err() == nil {
			phase.Note("could not: %v", err) // the API server may be away, for that matter
		}
		phase.End(nil)
	}
}

// busy takes every processor.
func busy(ctx context.Context) {
	var all sync.WaitGroup
	for range runtime.NumCPU() {
		all.Go(func() {
			runtime.LockOSThread()
			for n := 0; ctx.Err() == nil; n++ {
				for range 1 << 20 {
					n ^= n << 1
				}
			}
		})
	}
	all.Wait()
}

// killPods ends what the cluster itself runs beside the mesh: name service and load
// balancer's controller.
func killPods(ctx context.Context, bed *testbed.Bed) error {
	return errors.Join(
		kill(ctx, bed, "kube-system", "k8s-app=kube-dns"),
		kill(ctx, bed, "metallb-system", "component=controller"))
}

func restartIstiod(ctx context.Context, bed *testbed.Bed) error {
	return kill(ctx, bed, bed.Mesh.Namespace, "app=istiod")
}

func kill(ctx context.Context, bed *testbed.Bed, namespace, selector string) error {
	pods, err := bed.Kube.Pods(ctx, namespace, selector)
	if err != nil {
		return err
	}
	if len(pods) == 0 {
		return fmt.Errorf("no pod in %s has %s", namespace, selector)
	}
	for _, p := range pods {
		if err := bed.Kube.Typed().CoreV1().Pods(namespace).Delete(ctx, p.Name, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// restartAPIServer kills the process, and the kubelet starts it again. One that is asked to
// end refuses everybody for half a minute first, until the next disturbance.
func restartAPIServer(ctx context.Context, bed *testbed.Bed) error {
	e, err := engine.Detect(ctx, engine.Commands{}, engine.Kind(bed.Config.Cluster.Engine))
	if err != nil {
		return err
	}
	_, err = e.Run(ctx, "exec", bed.Cluster.Name+"-control-plane", "pkill", "-KILL", "-x", "kube-apiserver")
	return err
}

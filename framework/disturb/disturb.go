// Package disturb disturbs the environment of a mesh during a run, by disturbances that must
// not change a verdict. It never changes objects of the suites or gateways of the mesh.
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

// defaultInterval is the time before the first disturbance, and between two unless the kind
// needs longer.
const defaultInterval = 30 * time.Second

// apiServerInterval is longer than the time for which clients back off after an API server
// was away (two minutes in client-go). With more frequent restarts a control plane would soon
// receive no events any more.
const apiServerInterval = 130 * time.Second

// Disturbance is one kind of disturbance.
type Disturbance struct {
	name string
	// once disturbs once; nil for a disturbance that lasts all the time.
	once func(context.Context, *testbed.Bed) error
	// every is the time between two calls of once.
	every time.Duration
	// always disturbs until the context ends.
	always func(context.Context)
}

// table lists the kinds; the first is no disturbance.
func table() []Disturbance {
	return []Disturbance{
		{name: ""},
		{name: "busy", always: busy},
		{name: "pods", once: killPods, every: defaultInterval},
		{name: "istiod", once: restartIstiod, every: defaultInterval},
		{name: "apiserver", once: restartAPIServer, every: apiServerInterval},
	}
}

// Kinds lists the names of the kinds for a usage text.
func Kinds() string {
	var names []string
	for _, d := range table()[1:] {
		names = append(names, d.name)
	}
	return strings.Join(names, ", ")
}

// New returns the kind of that name; the empty name is no disturbance.
func New(name string) (Disturbance, error) {
	for _, d := range table() {
		if d.name == name {
			return d, nil
		}
	}
	return Disturbance{}, fmt.Errorf("want one of %s, got %q", Kinds(), name)
}

// Start disturbs until stop is called, which returns when the disturbance has ended.
func (d Disturbance) Start(ctx context.Context, bed *testbed.Bed, log progress.Log) (stop func(), err error) {
	if d.once != nil && bed.Cluster.Provider != "kind" {
		return nil, fmt.Errorf("disturbance %s: want a cluster that meshgate has created, got one of provider %s: %w", d.name, bed.Cluster.Provider, kube.ErrForeign)
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		switch {
		case d.always != nil:
			d.always(ctx)
		case d.once != nil:
			d.repeat(ctx, bed, log)
		}
	})
	return func() { cancel(); running.Wait() }, nil
}

// repeat calls once at the kind's interval.
func (d Disturbance) repeat(ctx context.Context, bed *testbed.Bed, log progress.Log) {
	next := time.NewTimer(defaultInterval)
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
			phase.Note("failed: %v", err) // the disturbed API server itself may be unreachable
		}
		phase.End(nil)
	}
}

// busy keeps every CPU busy.
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

// killPods deletes the pods of DNS and of the load balancer's controller, which run on the
// cluster next to the mesh.
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
		return fmt.Errorf("no pod in namespace %s matches %s", namespace, selector)
	}
	for _, p := range pods {
		if err := bed.Kube.Typed().CoreV1().Pods(namespace).Delete(ctx, p.Name, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// restartAPIServer kills the process, which the kubelet restarts. It does not send SIGTERM,
// because a terminating API server refuses requests for half a minute first, until the next
// disturbance.
func restartAPIServer(ctx context.Context, bed *testbed.Bed) error {
	e, err := engine.Detect(ctx, engine.Commands{}, engine.Kind(bed.Config.Cluster.Engine))
	if err != nil {
		return err
	}
	_, err = e.Run(ctx, "exec", bed.Cluster.Name+"-control-plane", "pkill", "-KILL", "-x", "kube-apiserver")
	return err
}

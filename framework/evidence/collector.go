// Package evidence captures what a person needs to understand a failure, at the moment of the
// failure and before anything is cleaned up: objects, events, logs, the configuration and
// statistics of the proxies, and the debug output of the control plane. It removes secrets
// from everything that it writes.
package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"meshgate/framework/mesh"
)

// Cluster is the part of a cluster's client that the collectors use; *kube.Client implements
// it.
type Cluster interface {
	Typed() kubernetes.Interface
	Dynamic() dynamic.Interface
	Exec(ctx context.Context, ns, pod, container string, cmd []string, stdin io.Reader) (stdout, stderr []byte, err error)
	Forward(ctx context.Context, ns, pod string, port int) (local string, stop func(), err error)
}

// The limits of a capture for which the Collector sets no others.
const (
	DefaultLimit = 5 * time.Second
	DefaultWhole = 10 * time.Second
)

// maxConcurrent bounds the collectors that run at the same time: enough to hide the API
// server's latency, few enough not to change the load of the cluster whose state is captured.
const maxConcurrent = 8

// Collector captures evidence. It is safe for concurrent use; what it captures at
// one failure may show traces of features that run at the same time.
type Collector struct {
	Kube Cluster
	// Mesh names the control plane and the gateways that are captured in addition to the pods
	// of the namespaces; nil means none.
	Mesh *mesh.Mesh
	// Dir is the evidence folder of the run, <report>/<run-id>/evidence.
	Dir string
	// Limit is the time for one collector, Whole for a capture; zero means the defaults.
	Limit, Whole time.Duration
	// Redactor removes secrets from every file. The collector adds the values of the Secret
	// objects that it reads.
	Redactor Redactor
}

// Capture writes the present state into <Dir>/<feature>/<step>/ and returns the names of the
// files, relative to the parent of Dir, with slashes. The documents are written too, under
// their file names. Capture also works with a cancelled context; it ends within its own
// limits.
//
// A collector that fails leaves a file <name>.failed.txt with the reason and does not stop
// the others. The error sums up such failures and files that could not be written; files
// lists the files that were written in any case.
func (c *Collector) Capture(ctx context.Context, feature, step string, namespaces []string,
	applied []*unstructured.Unstructured, documents map[string]any) (files []string, err error) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), withDefault(c.Whole, DefaultWhole))
	defer stop()
	limit := withDefault(c.Limit, DefaultLimit)
	f, err := newFolder(c.Dir, feature, step, &c.Redactor)
	if err != nil {
		return nil, err
	}
	s := newCapture(ctx, c, f, c.involved(namespaces, applied))
	tasks := []task{{"applied", func(context.Context) error { return f.objects("applied.yaml", applied) }}}
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		tasks = append(tasks, task{name, func(context.Context) error { return f.json(name, documents[name]) }})
	}
	pods, err := s.prepare(ctx, limit)
	tasks = append(tasks, failed("pods", err)...)
	tasks = append(tasks, s.events()...)
	tasks = append(tasks, s.istiod(pods)...)
	tasks = append(tasks, s.proxies(pods)...)
	tasks = append(tasks, s.objects()...)
	tasks = append(tasks, s.logs(pods)...)
	err = runAll(ctx, f, limit, tasks)
	return f.close(), err
}

// capture is one call of Capture.
type capture struct {
	*Collector
	folder     *folder
	namespaces []string
	kinds      func() ([]listable, error) // asks the API server once
}

func newCapture(ctx context.Context, c *Collector, f *folder, namespaces []string) capture {
	s := capture{Collector: c, folder: f, namespaces: namespaces}
	s.kinds = sync.OnceValues(func() ([]listable, error) { return kindsOf(ctx, c.Kube) })
	return s
}

// prepare must run before the collectors: it learns the secrets that no file may contain, and
// lists the pods.
func (s capture) prepare(ctx context.Context, limit time.Duration) ([]corev1.Pod, error) {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	s.learnSecrets(ctx)
	return s.pods(ctx)
}

// involved lists the namespaces to capture: those of the caller, of the applied objects, of
// the control plane and of the gateways.
func (c *Collector) involved(namespaces []string, applied []*unstructured.Unstructured) []string {
	out := slices.Clone(namespaces)
	for _, o := range applied {
		out = append(out, o.GetNamespace())
	}
	if c.Mesh != nil {
		out = append(out, c.Mesh.Namespace, c.Mesh.Ingress.Namespace, c.Mesh.Egress.Namespace)
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(ns string) bool { return ns == "" })
}

func withDefault(d, standard time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return standard
}

// failed is a task that only reports an earlier error.
func failed(name string, err error) []task {
	if err == nil {
		return nil
	}
	return []task{{name, func(context.Context) error { return err }}}
}

// errIncomplete is wrapped by the error that sums up the failed collectors.
var errIncomplete = errors.New("evidence is incomplete")

func incomplete(failures []string, of int) error {
	if len(failures) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d of %d collectors failed, the first: %s", errIncomplete, len(failures), of, failures[0])
}

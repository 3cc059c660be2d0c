package defect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"meshgate/framework/runner"
	"meshgate/framework/testbed"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// watchEvery is the interval at which the configuration is searched for a defect. It is long
// because a configuration dump has about a megabyte.
const watchEvery = 3 * time.Second

// adminPort is where Envoy's admin interface listens, on the pod's loopback.
const adminPort = 15000

// witness checks that defects are in effect while the features run: the configuration that
// a defect changes exists only while the features' objects do.
type witness struct {
	bed     *testbed.Bed
	session *runner.Session
	defects []Defect

	mu   sync.Mutex
	seen map[string]bool
	last map[string]error // why the last check did not find it
}

// ended checks once more when a feature that must see defects has ended, before its objects
// are deleted.
func (w *witness) ended(ctx context.Context, suite, feature string) {
	for _, d := range w.defects {
		if !w.saw(d) && slices.ContainsFunc(d.Sees, func(s Seen) bool { return s.Suite() == suite && s.Name() == feature }) {
			w.note(ctx, d, w.look(ctx, d))
		}
	}
}

// watch checks every watchEvery until the context ends: some features delete themselves the
// objects by which a defect is seen.
func (w *witness) watch(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		for _, d := range w.defects {
			if ctx.Err() == nil && !w.saw(d) {
				w.note(ctx, d, w.look(ctx, d))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (w *witness) saw(d Defect) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[d.Name]
}

func (w *witness) note(ctx context.Context, d Defect, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.seen[d.Name] = true
	} else if ctx.Err() == nil || w.last[d.Name] == nil {
		w.last[d.Name] = err
	}
}

// missing says why a defect was not seen in effect; nil means that it was.
func (w *witness) missing(d Defect) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.seen[d.Name]:
		return nil
	case w.last[d.Name] != nil:
		return w.last[d.Name]
	}
	return errors.New("its effect was never checked")
}

// look is nil if the defect is in effect now.
func (w *witness) look(ctx context.Context, d Defect) error {
	if d.Shown.Object != "" {
		return w.rewritten(ctx, d)
	}
	namespace, selector := w.bed.Mesh.Namespace, "istio="+d.Shown.Gateway
	if d.Shown.Sidecar != "" {
		readable, app, _ := strings.Cut(d.Shown.Sidecar, "/")
		var err error
		if namespace, err = w.session.Namespace(d.Sees[0].Suite(), readable); err != nil {
			return err
		}
		selector = "app=" + app
	}
	pods, err := w.bed.Kube.Pods(ctx, namespace, selector)
	if err != nil {
		return err
	}
	if len(pods) == 0 {
		return fmt.Errorf("no pod in namespace %s matches %s", namespace, selector)
	}
	return w.configured(ctx, d, pods)
}

// configured is nil when one of the pods' Envoys uses configuration with the marker.
func (w *witness) configured(ctx context.Context, d Defect, pods []corev1.Pod) error {
	for _, pod := range pods {
		dump, err := w.bed.Kube.Ask(ctx, pod.Namespace, pod.Name, adminPort, http.MethodGet, "/config_dump", nil)
		if err != nil {
			return err
		}
		in, err := inEffect(dump, d.marker())
		if err != nil || in {
			return err
		}
	}
	return fmt.Errorf("config_dump of the Envoy in %s/%s does not contain %q", pods[0].Namespace, pods[0].Name, d.marker())
}

// inEffect searches Envoy's configuration for a text, except in updates that Envoy rejected.
func inEffect(dump []byte, text string) (bool, error) {
	var all any
	if err := json.Unmarshal(dump, &all); err != nil {
		return false, fmt.Errorf("config_dump of an Envoy: %w", err)
	}
	return contains(all, text), nil
}

func contains(v any, text string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, text)
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return contains(e, text) })
	case map[string]any:
		for key, e := range v {
			if key != "error_state" && (strings.Contains(key, text) || contains(e, text)) {
				return true
			}
		}
	}
	return false
}

// rewritten is nil when an object carries the annotation of the defect's admission policy.
func (w *witness) rewritten(ctx context.Context, d Defect) error {
	kind := &unstructured.Unstructured{}
	kind.SetGroupVersionKind(schema.GroupVersionKind{Group: "networking.istio.io", Version: "v1", Kind: d.Shown.Object})
	if d.Shown.Object == "Secret" {
		kind.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: d.Shown.Object})
	}
	all, err := w.bed.Kube.Everywhere(ctx, kind)
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.GetAnnotations()[annotation] == d.Name {
			return nil
		}
	}
	return fmt.Errorf("annotation %[3]s of a %[2]s: want %[4]q, got it on none of %[1]d objects", len(all), d.Shown.Object, annotation, d.Name)
}

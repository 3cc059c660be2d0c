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

	"meshgate/framework/suite"
	"meshgate/framework/testbed"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// watchEvery is the interval at which a defect is looked for: a configuration dump is
// a megabyte.
const watchEvery = 3 * time.Second

// adminPort is where Envoy's admin interface listens, on the pod's loopback.
const adminPort = 15000

// witness looks for defects in effect while features are asked: what a defect changes is
// there only while the features' own configuration is.
type witness struct {
	bed     *testbed.Bed
	session *suite.Session
	defects []Defect

	mu   sync.Mutex
	seen map[string]bool
	last map[string]error // why it was not seen, at the last look
}

// ended looks once more when a feature has ended that must see defects, while what it made
// still stands.
func (w *witness) ended(ctx context.Context, suite, feature string) {
	for _, d := range w.defects {
		if !w.saw(d) && slices.ContainsFunc(d.Sees, func(s Seen) bool { return s.Suite() == suite && s.Name() == feature }) {
			w.note(ctx, d, w.look(ctx, d))
		}
	}
}

// watch looks now and then until the context ends: some features take away themselves
// what a defect is seen by.
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

// missing says why a defect was not seen; nil if it was.
func (w *witness) missing(d Defect) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.seen[d.Name]:
		return nil
	case w.last[d.Name] != nil:
		return w.last[d.Name]
	}
	return errors.New("nobody looked")
}

// look is nil if the defect is in effect.
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
		return fmt.Errorf("no pod in %s has %s", namespace, selector)
	}
	return w.configured(ctx, d, pods)
}

// configured wants the marker in what one of the Envoys works with.
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
	return fmt.Errorf("the configuration of the Envoy in %s/%s has no %q", pods[0].Namespace, pods[0].Name, d.marker())
}

// inEffect looks for a text in Envoy's configuration, but for what Envoy has refused.
func inEffect(dump []byte, text string) (bool, error) {
	var all any
	if err := json.Unmarshal(dump, &all); err != nil {
		return false, fmt.Errorf("configuration of an Envoy: %w", err)
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

// rewritten wants an object that the defect's admission policy has marked.
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
	return fmt.Errorf("none of %d %s objects carries the annotation %s: %s", len(all), d.Shown.Object, annotation, d.Name)
}

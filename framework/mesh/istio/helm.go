package istio

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"meshgate/framework/kube"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/client-go/rest"
)

// owner is the owner label of the objects of this package.
const owner kube.Owner = "mesh"

// Labels of a release, kept by Helm's storage.
const (
	inputsLabel   = "meshgate.dev/inputs"
	versionLabel  = "meshgate.dev/version"
	revisionLabel = "meshgate.dev/revision" // not on the base, which all revisions share
)

// requestLimit bounds each request of Helm: its calls take no context.
const requestLimit = 30 * time.Second

// helm installs and uninstalls releases in one namespace. It does not wait for workloads;
// callers know when theirs are ready.
type helm struct {
	getter    *getter
	namespace string
}

func newHelm(cfg *rest.Config, namespace string) (*helm, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.Timeout = requestLimit
	g, err := newGetter(cfg, namespace)
	if err != nil {
		return nil, err
	}
	return &helm{getter: g, namespace: namespace}, nil
}

// action returns a new configuration for each use: Helm's are not safe for concurrent use,
// and the gateways are installed concurrently.
func (h *helm) action() (*action.Configuration, error) {
	c := &action.Configuration{}
	if err := c.Init(h.getter, h.namespace, "secret", func(string, ...any) {}); err != nil {
		return nil, fmt.Errorf("helm in namespace %s: %w", h.namespace, err)
	}
	return c, nil
}

// find returns the stored release, or nil when there is none.
func (h *helm) find(name string) (*release.Release, error) {
	c, err := h.action()
	if err != nil {
		return nil, err
	}
	r, err := c.Releases.Last(name)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("release %s/%s: %w", h.namespace, name, err)
	}
	if _, ours := r.Labels[kube.OwnerLabel]; !ours {
		return nil, fmt.Errorf("release %s/%s %w: it is left alone; remove it, choose another control_plane_namespace, or use that mesh with --mesh existing", h.namespace, name, kube.ErrForeign)
	}
	return r, nil
}

// ours lists the releases of meshgate by name, in any state.
func (h *helm) ours() ([]*release.Release, error) {
	c, err := h.action()
	if err != nil {
		return nil, err
	}
	all, err := c.Releases.List(func(r *release.Release) bool { return r.Labels[kube.OwnerLabel] == string(owner) })
	if err != nil {
		return nil, fmt.Errorf("releases in namespace %s: %w", h.namespace, err)
	}
	slices.SortFunc(all, func(a, b *release.Release) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func (h *helm) install(name string, c *chart.Chart, values map[string]any, labels map[string]string) error {
	cfg, err := h.action()
	if err != nil {
		return err
	}
	in := action.NewInstall(cfg)
	in.ReleaseName, in.Namespace = name, h.namespace
	in.SkipCRDs = true
	in.DisableOpenAPIValidation = true // the API server validates; downloading its schema takes a second
	in.SkipSchemaValidation = true     // the schema of the 1.22 gateway chart refuses the chart's own values
	in.PostRenderer = stamp{}
	in.Labels = map[string]string{kube.OwnerLabel: string(owner)}
	for k, v := range labels {
		in.Labels[k] = v
	}
	if _, err := in.Run(c, values); err != nil {
		return fmt.Errorf("install release %s/%s: %w", h.namespace, name, err)
	}
	return nil
}

// uninstall removes a release and its objects. It succeeds if there is no such release.
// Objects may still be terminating when it returns.
func (h *helm) uninstall(name string) error {
	cfg, err := h.action()
	if err != nil {
		return err
	}
	un := action.NewUninstall(cfg)
	un.IgnoreNotFound = true
	un.DeletionPropagation = "background"
	if _, err := un.Run(name); err != nil {
		return fmt.Errorf("uninstall release %s/%s: %w", h.namespace, name, err)
	}
	return nil
}

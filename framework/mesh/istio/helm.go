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

// owner marks what this package makes.
const owner kube.Owner = "mesh"

// Labels of a release, kept by Helm's storage.
const (
	inputsLabel   = "meshgate.dev/inputs"
	versionLabel  = "meshgate.dev/version"
	revisionLabel = "meshgate.dev/revision" // not on the base, which all revisions share
)

// requestLimit bounds each request that Helm makes: its own calls take no context.
const requestLimit = 30 * time.Second

// helm installs and removes releases in one namespace. Nothing here waits for a
// workload: that is for those who know what readiness means.
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

// action makes a configuration of its own for each use: they are not safe for
// concurrent use, and the gateways are installed at the same time.
func (h *helm) action() (*action.Configuration, error) {
	c := &action.Configuration{}
	if err := c.Init(h.getter, h.namespace, "secret", func(string, ...any) {}); err != nil {
		return nil, fmt.Errorf("helm in namespace %s: %w", h.namespace, err)
	}
	return c, nil
}

// found is a release as it is stored; nil where there is none.
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
		return nil, fmt.Errorf("release %s/%s %w: it is left alone; remove it, choose another control_plane_namespace, or take that mesh with --mesh existing", h.namespace, name, kube.ErrForeign)
	}
	return r, nil
}

// ours lists our releases by name, whatever state they are in.
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
	in.DisableOpenAPIValidation = true // the API server validates; the schema's download costs a second
	in.SkipSchemaValidation = true     // the gateway chart of 1.22 has one that refuses its own values
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

// uninstall removes a release and what it made; it is not an error that there is
// none. Objects may still be on their way out afterwards.
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

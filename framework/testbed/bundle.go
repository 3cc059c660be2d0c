package testbed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"meshgate/framework/bundle"
	"meshgate/framework/bundle/registry"
	"meshgate/framework/config"
	"meshgate/framework/mesh"
	"meshgate/framework/progress"
	"meshgate/framework/supplier"
)

// Words of the configuration that decide here.
const (
	providerKind     = "kind"
	providerExisting = "existing"
	appsOurs         = "ours"
)

// ResolveBundle fills the bundle with components and opens it. Missing components come from
// the first of registry and source that has them, or from the configured place.
// meshgate-bundle, a program of its own, builds what comes from source.
func ResolveBundle(ctx context.Context, cfg config.Bundle, log progress.Log, components ...string) (*bundle.Bundle, error) {
	official, err := registry.New(registry.Options{Mirror: cfg.Mirror})
	if err != nil {
		return nil, err
	}
	dir, err := BundleDir(cfg)
	if err != nil {
		return nil, err
	}
	sources := []bundle.Source{official, supplier.Find().Source(dir)}
	if cfg.Archive != "" {
		sources = append(sources, bundle.Archive(cfg.Archive))
	}
	return bundle.Resolve(ctx, bundle.Options{Dir: dir, Source: cfg.Source, Sources: sources, Log: log}, components)
}

// bundle returns nil if nothing of it is needed; an empty list of names would mean all
// components.
func (p *plan) bundle(ctx context.Context, log progress.Log) (*bundle.Bundle, error) {
	components := p.components()
	if len(components) == 0 {
		return nil, nil
	}
	return p.fill(ctx, log, components...)
}

// components lists the components that the plan needs in the bundle. The nodes of an existing
// cluster pull their images themselves, because meshgate cannot load images into them.
func (p *plan) components() []string {
	ours := p.cfg.Cluster.Provider == providerKind
	var names []string
	if ours {
		names = append(names, "node", "calico", "metallb")
	}
	if c := p.flavour.Component(); c != "" {
		names = append(names, c)
	}
	if ours {
		names = append(names, workloads()...)
	}
	return names
}

// workloads are the components of the suites' pods. The agent and the ratings with a database
// are the project's own with any choice of applications.
func workloads() []string { return []string{"mongodb", "apps"} }

// inNodes lists the images that mesh and workloads need in the nodes.
func inNodes(flavour mesh.Flavour) ([]string, error) {
	images := slices.Clone(flavour.Images())
	for _, name := range workloads() {
		c, err := bundle.Find(name)
		if err != nil {
			return nil, err
		}
		images = append(images, c.Images...)
	}
	return images, nil
}

// images maps the project's bookinfo images to the upstream builds if the configuration asks
// for those. Upstream's ratings-v2 is not among them: it accepts neither a user nor a CA.
func images(apps config.Apps) map[string]string {
	if apps.Images == appsOurs {
		return nil
	}
	upstream := map[string]string{}
	for ours, theirs := range map[string]string{
		"productpage": "productpage-v1", "details": "details-v1", "ratings-v1": "ratings-v1",
		"reviews-v1": "reviews-v1", "reviews-v2": "reviews-v2", "reviews-v3": "reviews-v3",
	} {
		upstream["docker.io/meshgate/"+ours+":dev"] = "docker.io/istio/examples-bookinfo-" + theirs + ":" + bookinfoTag
	}
	return upstream
}

// bookinfoTag is the release of the upstream example whose HTTP interface the project's
// bookinfo implements.
const bookinfoTag = "1.20.3"

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

package bundle

import (
	"fmt"
	"slices"
	"strings"
)

// The versions the catalogue names; they are also the tags of the images.
const (
	nodeVersion     = "v1.36.3"
	calicoVersion   = "v3.28.5"
	metallbVersion  = "v0.15.2"
	istioVersion    = "1.31.1"
	istioOldVersion = "1.22.0"
	mongodbVersion  = "7.0.14"
	appsVersion     = "dev"
)

// Catalogue lists what a bundle can hold, in the order in which it is resolved:
// the node comes first, for it decides what else is needed.
func Catalogue() []Component {
	return []Component{
		{Name: "node", Version: nodeVersion, Images: []string{"docker.io/kindest/node:" + nodeVersion}},
		{
			Name: "calico", Version: calicoVersion,
			Images: []string{"docker.io/calico/node:" + calicoVersion, "docker.io/calico/cni:" + calicoVersion},
			Files:  []string{"manifests/calico-vxlan.yaml"},
		},
		{
			Name: "metallb", Version: metallbVersion,
			Images: []string{"quay.io/metallb/controller:" + metallbVersion, "quay.io/metallb/speaker:" + metallbVersion},
			Files:  []string{"manifests/metallb-native.yaml"},
		},
		istio("istio-1.31", istioVersion, false),
		istio("istio-1.22", istioOldVersion, true),
		// Optional: those who ask for a mesh and nothing else need no database.
		{Name: "mongodb", Version: mongodbVersion, Optional: true, Images: []string{"docker.io/library/mongo:" + mongodbVersion}},
		{Name: "apps", Version: appsVersion, Own: true, Images: apps()},
	}
}

func istio(component, version string, optional bool) Component {
	return Component{
		Name: component, Version: version, Optional: optional,
		Images: []string{"docker.io/istio/pilot:" + version, "docker.io/istio/proxyv2:" + version},
		Files: []string{
			"charts/" + component + "/base", "charts/" + component + "/istiod", "charts/" + component + "/gateway",
		},
	}
}

func apps() []string {
	var images []string
	for _, app := range []string{"productpage", "details", "reviews-v1", "reviews-v2", "reviews-v3", "ratings-v1", "ratings-v2", "agent"} {
		images = append(images, "docker.io/meshgate/"+app+":"+appsVersion)
	}
	return images
}

// Find returns the catalogue's line of that name; the error lists the names
// there are.
func Find(component string) (Component, error) {
	var known []string
	for _, c := range Catalogue() {
		if c.Name == component {
			return c, nil
		}
		known = append(known, c.Name)
	}
	return Component{}, fmt.Errorf("component %q is not in the catalogue; it has %s", component, strings.Join(known, ", "))
}

// selected turns component names into lines of the catalogue, in its order and
// each once; no names mean everything that is not optional.
func selected(want []string) ([]Component, error) {
	for _, name := range want {
		if _, err := Find(name); err != nil {
			return nil, err
		}
	}
	var out []Component
	for _, c := range Catalogue() {
		if slices.Contains(want, c.Name) || len(want) == 0 && !c.Optional {
			out = append(out, c)
		}
	}
	return out, nil
}

// names are all artefacts of c.
func (c Component) names() []string { return slices.Concat(c.Images, c.Files) }

// kindOf is the kind that the catalogue gives an artefact of c.
func (c Component) kindOf(name string) (Kind, error) {
	switch {
	case slices.Contains(c.Images, name):
		return KindImage, nil
	case slices.Contains(c.Files, name):
		return KindFiles, nil
	}
	return "", fmt.Errorf("%s is not part of component %s; the catalogue gives it %s", name, c.Name, strings.Join(c.names(), ", "))
}

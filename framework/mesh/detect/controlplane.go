// Package detect reads the properties of a mesh from its cluster: its control planes, their
// configuration, its gateways and the addresses at which this machine reaches them, and the
// capabilities that follow. It changes nothing.
package detect

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"meshgate/framework/kube"
	"meshgate/framework/mesh"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// ErrNoMesh means that no control plane was found.
var ErrNoMesh = errors.New("no mesh found")

// ErrSeveral means that more than one control plane matches the options.
var ErrSeveral = errors.New("several meshes found")

// ControlPlane is one istiod Deployment.
type ControlPlane struct {
	Namespace string
	Name      string // of the Deployment: "istiod", "istiod-1-22"
	Revision  string // "" is the default one
	Version   string // from the image's tag; empty when the tag is no version
	Image     string
	Available bool
	Ours      bool // installed by meshgate
}

func (c ControlPlane) String() string {
	s := fmt.Sprintf("%s/%s (revision %s, image %s", c.Namespace, c.Name, mesh.RevisionName(c.Revision), c.Image)
	if !c.Available {
		s += ", not available"
	}
	return s + ")"
}

// ControlPlanes lists every istiod of the cluster, by namespace and name.
func ControlPlanes(ctx context.Context, k kubernetes.Interface) ([]ControlPlane, error) {
	list, err := k.AppsV1().Deployments(metav1.NamespaceAll).List(ctx, metav1.ListOptions{LabelSelector: "app=istiod"})
	if err != nil {
		return nil, fmt.Errorf("list deployments with label app=istiod: %w", err)
	}
	var out []ControlPlane
	for _, d := range list.Items {
		out = append(out, controlPlane(d))
	}
	sort.Slice(out, func(i, j int) bool { return out[i].String() < out[j].String() })
	return out, nil
}

func controlPlane(d appsv1.Deployment) ControlPlane {
	c := ControlPlane{Namespace: d.Namespace, Name: d.Name, Available: d.Status.AvailableReplicas > 0}
	_, c.Ours = kube.Ours(&d)
	if rev := d.Labels["istio.io/rev"]; rev != "default" {
		c.Revision = rev
	}
	for _, container := range d.Spec.Template.Spec.Containers {
		if container.Name == "discovery" || c.Image == "" {
			c.Image = container.Image
		}
	}
	c.Version = VersionOf(c.Image)
	return c
}

// versionTag is a version at the beginning of a tag; a variant may follow, as in
// "1.24.3-distroless".
var versionTag = regexp.MustCompile(`^v?(\d+\.\d+(?:\.\d+)?(?:-(?:alpha|beta|rc)\.\d+)?)(?:-|$)`)

// VersionOf returns the version in an image's tag, or "" when there is none.
func VersionOf(image string) string {
	image, _, _ = strings.Cut(image, "@")
	colon := strings.LastIndexByte(image, ':')
	if colon < strings.LastIndexByte(image, '/') {
		return ""
	}
	if m := versionTag.FindStringSubmatch(image[colon+1:]); m != nil {
		return m[1]
	}
	return ""
}

// Choice selects the control plane when there are several.
type Choice struct {
	Namespace string // preferred if it has a control plane
	Revision  string // required when not empty
}

// Choose returns the selected control plane. The error wraps ErrNoMesh or ErrSeveral, names
// the control planes that were found, and says how to choose.
func Choose(found []ControlPlane, want Choice) (ControlPlane, error) {
	if len(found) == 0 {
		return ControlPlane{}, fmt.Errorf("%w: want a deployment with label app=istiod in some namespace, got none: install a mesh, or use --mesh istio", ErrNoMesh)
	}
	fits := narrow(found, func(c ControlPlane) bool { return want.Revision == "" || c.Revision == unnamed(want.Revision) })
	if len(fits) == 0 {
		return ControlPlane{}, fmt.Errorf("%w with revision %q: got only %s: choose one with --revision", ErrNoMesh, want.Revision, enumerate(found))
	}
	if near := narrow(fits, func(c ControlPlane) bool { return c.Namespace == want.Namespace }); len(near) > 0 {
		fits = near
	}
	if len(fits) > 1 {
		return ControlPlane{}, fmt.Errorf("%w: %s: choose with --revision, and with control_plane_namespace if their namespaces differ", ErrSeveral, enumerate(fits))
	}
	return fits[0], nil
}

func unnamed(revision string) string {
	if revision == "default" {
		return ""
	}
	return revision
}

func narrow(all []ControlPlane, fits func(ControlPlane) bool) []ControlPlane {
	var out []ControlPlane
	for _, c := range all {
		if fits(c) {
			out = append(out, c)
		}
	}
	return out
}

func enumerate(all []ControlPlane) string {
	var names []string
	for _, c := range all {
		names = append(names, c.String())
	}
	return strings.Join(names, ", ")
}

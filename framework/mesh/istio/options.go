// Package istio installs Istio from the charts of the bundle with Helm's SDK. It is the only
// package that uses Helm.
package istio

import (
	"fmt"
	"regexp"

	"meshgate/framework/bundle"
	"meshgate/framework/mesh"
	"meshgate/framework/wait"
)

// Options say which version of Istio is installed, and in which namespace.
type Options struct {
	Version   string             // "1.31": a line of the bundle's catalogue is named istio-<version>
	Revision  string             // "" is the default revision; "1-22" can be installed next to others
	Namespace string             // of the control plane and the gateways
	Values    map[string]any     // merged over meshgate's Helm values for istiod
	Gateways  []mesh.GatewaySpec // in addition to the shared ingress and egress gateway
	Budget    wait.Budget
	Ground    mesh.Ground // the abilities of the cluster; only Up uses them
}

// Flavour installs Istio with Helm.
type Flavour struct {
	opts      Options
	component bundle.Component
}

var _ mesh.Flavour = (*Flavour)(nil)

// revisionForm matches the revisions that Istio's charts can put into object names and
// labels.
var revisionForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$`)

// New checks the options; the error names the setting, the wanted and the given value.
func New(o Options) (*Flavour, error) {
	c, err := bundle.Find("istio-" + o.Version)
	if err != nil {
		return nil, fmt.Errorf("mesh version %q: %w", o.Version, err)
	}
	if o.Revision == "default" {
		o.Revision = ""
	}
	if o.Revision != "" && !revisionForm.MatchString(o.Revision) {
		return nil, fmt.Errorf("mesh revision: want lower-case letters, digits and dashes such as \"1-22\", got %q", o.Revision)
	}
	if o.Namespace == "" {
		return nil, fmt.Errorf("control_plane_namespace: want a namespace, got none")
	}
	return &Flavour{opts: o, component: c}, nil
}

// Name is "istio".
func (f *Flavour) Name() string { return "istio" }

// Component is the line of the bundle's catalogue, such as "istio-1.31".
func (f *Flavour) Component() string { return f.component.Name }

// Images are the images of the control plane and of the proxies.
func (f *Flavour) Images() []string { return f.component.Images }

// title is the name of the phase in progress.
func (f *Flavour) title(verb string) string {
	t := fmt.Sprintf("%s mesh istio %s", verb, f.component.Version)
	if f.opts.Revision != "" {
		t += " revision " + f.opts.Revision
	}
	return t
}

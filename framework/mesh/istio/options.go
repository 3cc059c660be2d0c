// Package istio installs Istio with Helm's SDK from the charts of the bundle. It
// is the only package that knows Helm.
package istio

import (
	"fmt"
	"regexp"

	"meshgate/framework/bundle"
	"meshgate/framework/mesh"
	"meshgate/framework/wait"
)

// Options say which Istio is installed, and where.
type Options struct {
	Version   string             // "1.31": a line of the bundle's catalogue is named istio-<version>
	Revision  string             // "" is the default revision; "1-22" stands beside others
	Namespace string             // of the control plane and the gateways
	Values    map[string]any     // merged over ours into istiod's Helm values
	Gateways  []mesh.GatewaySpec // beside the shared ingress and egress gateway
	Budget    wait.Budget
	Ground    mesh.Ground // what the cluster can do; only Up asks
}

// Flavour is Istio by Helm.
type Flavour struct {
	opts      Options
	component bundle.Component
}

var _ mesh.Flavour = (*Flavour)(nil)

// revisionForm is what Istio's charts can put into object names and labels.
var revisionForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$`)

// New checks the options; the error names the setting, what was wanted and got.
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

// Component is the catalogue's line, "istio-1.31".
func (f *Flavour) Component() string { return f.component.Name }

// Images are the control plane's and the proxies'.
func (f *Flavour) Images() []string { return f.component.Images }

// title is what progress calls the work.
func (f *Flavour) title(verb string) string {
	t := fmt.Sprintf("%s mesh istio %s", verb, f.component.Version)
	if f.opts.Revision != "" {
		t += " revision " + f.opts.Revision
	}
	return t
}

package mesh

import (
	"context"

	"meshgate/framework/bundle"
	"meshgate/framework/kube"
	"meshgate/framework/progress"
)

// Flavour provides a mesh: it installs one or uses one that is already there. Package
// mesh/flavours has the table of all flavours.
type Flavour interface {
	// Name is the flavour's name in the configuration: "istio", "existing".
	Name() string
	// Component is the line of the bundle's catalogue that Up needs, such as "istio-1.31";
	// empty when it needs none.
	Component() string
	// Images are the images that must be in every node before Up.
	Images() []string
	// Up returns a mesh that is ready: its webhooks answer, every proxy is SYNCED, and its
	// ingress gateway answers at its address. It is idempotent, also after an interrupted Up.
	// It refuses objects that meshgate did not create with an error that wraps
	// kube.ErrForeign and names the object.
	Up(ctx context.Context, k *kube.Client, b *bundle.Bundle, log progress.Log) (*Mesh, error)
	// Down removes what Up installed, and nothing else. It succeeds if there is nothing to
	// remove.
	Down(ctx context.Context, k *kube.Client, log progress.Log) error
}

package mesh

import (
	"context"

	"meshgate/framework/bundle"
	"meshgate/framework/kube"
	"meshgate/framework/progress"
)

// Flavour is a way to come to a mesh: to install one or to take one that is
// there. Package mesh/flavours holds the table of them.
type Flavour interface {
	// Name is the flavour's name in the configuration: "istio", "existing".
	Name() string
	// Component is the line of the bundle's catalogue that Up needs, such as
	// "istio-1.31"; empty when it needs none.
	Component() string
	// Images are the images that must be in every node before Up.
	Images() []string
	// Up returns a mesh that is ready: its webhooks answer, every proxy is
	// SYNCED, and its ingress gateway has an address which answers. It is
	// idempotent, also after an interrupted Up. What is not ours is refused with
	// an error that wraps kube.ErrForeign and names it.
	Up(ctx context.Context, k *kube.Client, b *bundle.Bundle, log progress.Log) (*Mesh, error)
	// Down removes what Up made, and nothing else. Nothing to remove is success.
	Down(ctx context.Context, k *kube.Client, log progress.Log) error
}

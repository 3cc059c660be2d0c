// Package cluster says what meshgate needs from a Kubernetes cluster and what
// it learns about one. Where a cluster comes from is a Provider: package kind
// makes one, package existing takes one. The table of them is in providers, so
// that whoever imports this package imports no cluster library.
package cluster

import (
	"context"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
)

// Cluster is what a Provider hands over: reachable, its nodes Ready, its facts
// known. It holds no connection; kube.Connect makes one from Kubeconfig and
// Context.
type Cluster struct {
	// Name is the configured name, such as "meshgate".
	Name string
	// Provider is the name of the Provider that handed it over.
	Provider string
	// Kubeconfig is the path of the file that reaches the cluster. For clusters
	// of our own it is a file of our own, never the user's.
	Kubeconfig string
	// Context is the context in Kubeconfig.
	Context string
	// KubernetesVersion is what the API server says, such as "v1.36.3".
	KubernetesVersion string
	// Created says that this run created it; false means it was taken as found.
	Created bool
	// Facts are sentences for the report: adaptations to the host, substitutes.
	Facts []string
	// NetworkPolicy is nil when a check proved that policies are enforced, else
	// the reason why the capability is absent.
	NetworkPolicy error
	// LoadBalancer is nil when Services of type LoadBalancer get an address,
	// else the reason why the capability is absent.
	LoadBalancer error
}

// AgentImage is the program of the pods that prove what a cluster enforces, as
// the bundle names it (fixtures/apps/cmd/agent).
const AgentImage = "docker.io/meshgate/agent:dev"

// ControlPlaneTaint keeps pods without a toleration off control-plane nodes
// (kubernetes.io/docs/reference/labels-annotations-taints).
const ControlPlaneTaint = "node-role.kubernetes.io/control-plane"

// Provider is a source of clusters. All methods honour the context at any
// point; what an interrupted Up leaves, Down removes and Leftovers names.
type Provider interface {
	// Name is the provider's name in the configuration: "kind", "existing".
	Name() string
	// Up returns a cluster that is ready for a mesh. It is idempotent: a living
	// cluster of ours is taken, a dead one of ours replaced, and a foreign one
	// of that name refused with an error that is a *ForeignError.
	Up(ctx context.Context, b *bundle.Bundle, log progress.Log) (*Cluster, error)
	// Load puts images of the bundle into every node and skips what is there.
	// On clusters whose nodes are out of reach it is an error that says so.
	Load(ctx context.Context, c *Cluster, b *bundle.Bundle, images []string, log progress.Phase) error
	// Down leaves nothing of ours: nodes, networks, volumes, kubeconfig. Nothing
	// to remove is success.
	Down(ctx context.Context, log progress.Log) error
	// Leftovers names what still exists of ours, each line with the command that
	// removes it.
	Leftovers(ctx context.Context) ([]string, error)
}

// Purger is a Provider that keeps something on the machine to make the next cluster
// quicker, and that removes it when it is asked to.
type Purger interface {
	// Purge removes what is kept between clusters, such as node images. Call it after
	// Down: what a cluster still uses stays, with an error.
	Purge(ctx context.Context, log progress.Log) error
}

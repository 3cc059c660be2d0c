package kind

import "path/filepath"

const (
	// kindLabel is on every container that kind creates, with the cluster's name
	// (sigs.k8s.io/kind/pkg/cluster/internal/providers/docker/constants.go).
	kindLabel = "io.x-k8s.kind.cluster"
	// clusterLabel is on the networks that we create, with the cluster's name. A
	// node is ours if it is in such a network: kind lets nobody label its nodes.
	clusterLabel = "meshgate.dev/cluster"
	// systemNamespace holds what the provider keeps inside the cluster.
	systemNamespace = "meshgate-system"
	// recordName is the ConfigMap that says of what the cluster was made. It is
	// written last: a cluster without it was never finished.
	recordName = "meshgate-cluster"
	// patchesInNode is where the node finds kubeadm's patches.
	patchesInNode = "/kind/meshgate-patches"
)

// names are those of one cluster's things.
type names struct{ cluster, dir string }

// network is the engine's network, one a cluster, so that address pools of two
// clusters cannot meet and Down can remove it.
func (n names) network() string { return "meshgate." + n.cluster }

// controlPlane is the name that kind gives to the first node, by which it is found
// in the network, too.
func (n names) controlPlane() string { return n.cluster + "-control-plane" }

// context is the name that kind gives to the kubeconfig's context.
func (n names) context() string { return "kind-" + n.cluster }

func (n names) kubeconfig() string { return filepath.Join(n.dir, "kubeconfig") }
func (n names) patches() string    { return filepath.Join(n.dir, "kubeadm-patches") }

// lock is beside the folder, so that removing the folder keeps it.
func (n names) lock() string { return n.dir + ".lock" }

package kind

import "path/filepath"

const (
	// kindLabel is on every container that kind creates, with the cluster's name
	// (sigs.k8s.io/kind/pkg/cluster/internal/providers/docker/constants.go).
	kindLabel = "io.x-k8s.kind.cluster"
	// clusterLabel is on the networks that meshgate creates, with the cluster's name. A node
	// belongs to meshgate if it is in such a network: kind does not allow labels on nodes.
	clusterLabel = "meshgate.dev/cluster"
	// systemNamespace is where the provider keeps its objects inside the cluster.
	systemNamespace = "meshgate-system"
	// recordName is the ConfigMap with the digests of what the cluster was created from. It
	// is written last: a cluster without it was never finished.
	recordName = "meshgate-cluster"
	// patchesInNode is where the node finds kubeadm's patches.
	patchesInNode = "/kind/meshgate-patches"
)

// names are the names of one cluster's containers, networks and files.
type names struct{ cluster, dir string }

// network is the engine's network, one per cluster, so that the address pools of two clusters
// do not overlap and Down can remove it.
func (n names) network() string { return "meshgate." + n.cluster }

// controlPlane is kind's name of the first node, which is also its DNS name in the network.
func (n names) controlPlane() string { return n.cluster + "-control-plane" }

// context is kind's name of the kubeconfig's context.
func (n names) context() string { return "kind-" + n.cluster }

func (n names) kubeconfig() string { return filepath.Join(n.dir, "kubeconfig") }
func (n names) patches() string    { return filepath.Join(n.dir, "kubeadm-patches") }

// lock is next to the folder, so that it survives the folder's removal.
func (n names) lock() string { return n.dir + ".lock" }

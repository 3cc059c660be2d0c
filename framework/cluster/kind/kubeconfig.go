package kind

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/kube"
)

// apiServerPort is where the API server listens inside the node, and apiPort how
// the engine names that.
const (
	apiServerPort = "6443"
	apiPort       = apiServerPort + "/tcp"
)

// connect writes the kubeconfig of the cluster from the node's own and opens a client. kind
// writes one too, but only when its creation ends; the node's is there as soon as kubeadm has
// written it, and an older file may name an old port.
func connect(ctx context.Context, e *engine.Engine, n names) (*kube.Client, error) {
	nodes, err := ourNodes(ctx, e, n)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("kubeconfig of cluster %s: want at least one node, got none", n.cluster)
	}
	// The control plane's name sorts before "worker".
	first := nodes[0]
	admin, err := e.Run(ctx, "exec", first.Name, "cat", "/etc/kubernetes/admin.conf")
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of cluster %s: %w", n.cluster, err)
	}
	conf, err := outside(admin, first, n)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of cluster %s: %w", n.cluster, err)
	}
	if err := writeKubeconfig(n.kubeconfig(), conf); err != nil {
		return nil, fmt.Errorf("kubeconfig of cluster %s: %w", n.cluster, err)
	}
	return kube.Connect(n.kubeconfig(), n.context())
}

// outside adapts the node's kubeconfig for use from this machine, with the names that kind
// uses.
func outside(admin []byte, first node, n names) (*api.Config, error) {
	in, err := clientcmd.Load(admin)
	if err != nil {
		return nil, fmt.Errorf("node %s: admin.conf: %w", first.Name, err)
	}
	current, ok := in.Contexts[in.CurrentContext]
	if !ok || in.Clusters[current.Cluster] == nil || in.AuthInfos[current.AuthInfo] == nil {
		return nil, fmt.Errorf("node %s: admin.conf: context %q names no existing cluster or user", first.Name, in.CurrentContext)
	}
	ports := first.NetworkSettings.Ports[apiPort]
	if len(ports) == 0 {
		return nil, errors.New("node " + first.Name + " does not publish its API server")
	}
	server := in.Clusters[current.Cluster].DeepCopy()
	server.Server = "https://" + net.JoinHostPort(ports[0].HostIP, ports[0].HostPort)
	out := api.NewConfig()
	out.CurrentContext = n.context()
	out.Clusters[n.context()] = server
	out.AuthInfos[n.context()] = in.AuthInfos[current.AuthInfo]
	out.Contexts[n.context()] = &api.Context{Cluster: n.context(), AuthInfo: n.context()}
	return out, nil
}

// writeKubeconfig replaces the file atomically; it contains a private key.
func writeKubeconfig(file string, conf *api.Config) error {
	content, err := clientcmd.Write(*conf)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

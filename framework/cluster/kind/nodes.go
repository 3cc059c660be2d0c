package kind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"

	"meshgate/framework/cluster"
	"meshgate/framework/cluster/engine"
)

// node is a container of a kind cluster as the engine describes it.
type node struct {
	Name  string
	State struct {
		Running bool
		Status  string
	}
	Mounts []struct{ Type, Name string }
	// NetworkSettings has the networks of the node and the port at which this machine reaches
	// its API server.
	NetworkSettings struct {
		Networks map[string]struct{ IPAddress string }
		Ports    map[string][]struct{ HostIP, HostPort string }
	}
}

// volumes are the engine's volumes of the node; they carry no label of meshgate.
func (n node) volumes() []string {
	var names []string
	for _, m := range n.Mounts {
		if m.Type == "volume" && m.Name != "" {
			names = append(names, m.Name)
		}
	}
	return names
}

// listNodes finds the containers of a cluster by kind's label, also stopped ones.
func listNodes(ctx context.Context, e *engine.Engine, name string) ([]node, error) {
	out, err := e.Run(ctx, "ps", "--all", "--no-trunc", "--filter", "label="+kindLabel+"="+name, "--format", "{{.Names}}")
	if err != nil {
		return nil, fmt.Errorf("nodes of cluster %s: %w", name, err)
	}
	ids := strings.Fields(string(out))
	if len(ids) == 0 {
		return nil, nil
	}
	out, err = e.Run(ctx, append([]string{"container", "inspect"}, ids...)...)
	if err != nil {
		return nil, fmt.Errorf("nodes of cluster %s: %w", name, err)
	}
	nodes := []node{}
	if err := json.Unmarshal(out, &nodes); err != nil {
		return nil, fmt.Errorf("nodes of cluster %s: %s container inspect: not JSON: %w", name, e.Kind, err)
	}
	for i := range nodes {
		nodes[i].Name = strings.TrimPrefix(nodes[i].Name, "/")
	}
	sort.Slice(nodes, func(i, j int) bool { return nodes[i].Name < nodes[j].Name })
	return nodes, nil
}

// ourNodes works like listNodes, but refuses nodes that meshgate did not create.
func ourNodes(ctx context.Context, e *engine.Engine, n names) ([]node, error) {
	nodes, err := listNodes(ctx, e, n.cluster)
	if err != nil {
		return nil, err
	}
	for _, nd := range nodes {
		if _, ours := nd.NetworkSettings.Networks[n.network()]; !ours {
			return nil, &cluster.ForeignError{
				Object: fmt.Sprintf("kind cluster %q (container %s)", n.cluster, nd.Name),
				Why:    fmt.Sprintf("its node is not in the network %s", n.network()),
				Next:   "choose another name with --cluster, or delete that cluster yourself",
			}
		}
	}
	return nodes, nil
}

// removeNodes removes the containers of the cluster and their volumes. It ignores those that
// are already gone.
func removeNodes(ctx context.Context, e *engine.Engine, n names) error {
	nodes, err := ourNodes(ctx, e, n)
	if err != nil || len(nodes) == 0 {
		return err
	}
	args := []string{"rm", "--force", "--volumes"}
	var volumes []string
	for _, nd := range nodes {
		args = append(args, nd.Name)
		volumes = append(volumes, nd.volumes()...)
	}
	_, err = e.Run(ctx, args...)
	if err != nil && !gone(err) {
		return fmt.Errorf("remove nodes of cluster %s: %w; by hand: %s %s", n.cluster, err, e.Kind, strings.Join(args, " "))
	}
	return removeVolumes(ctx, e, volumes)
}

// removeVolumes removes the volumes that an interrupted removal of a container has left: they
// are removed last, and nothing on them says to which container they belonged.
func removeVolumes(ctx context.Context, e *engine.Engine, volumes []string) error {
	var failed []error
	for _, v := range volumes {
		_, err := e.Run(ctx, "volume", "rm", "--force", v)
		if err != nil && !gone(err) {
			failed = append(failed, fmt.Errorf("remove volume %s: %w", v, err))
		}
	}
	return errors.Join(failed...)
}

// gone reports whether an engine complains that the object to be removed does not exist.
func gone(err error) bool {
	var exit *engine.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	text := strings.ToLower(exit.Stderr)
	return strings.Contains(text, "no such") || strings.Contains(text, "not found") || strings.Contains(text, "already in progress")
}

package kind

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"meshgate/framework/cluster"
	"meshgate/framework/cluster/engine"
)

// network is the part of an engine's network that this package uses.
type network struct {
	Name   string
	Labels map[string]string
	// IPAM has the subnets in Docker and nerdctl, Subnets in Podman.
	IPAM    struct{ Config []subnetOf }
	Subnets []subnetOf
}

type subnetOf struct{ Subnet string }

// findNetwork returns nil when there is no network of that name, and refuses one without
// meshgate's label.
func findNetwork(ctx context.Context, e *engine.Engine, n names) (*network, error) {
	out, err := e.Run(ctx, "network", "inspect", n.network())
	if err != nil && gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", n.network(), err)
	}
	found := []network{}
	if err := json.Unmarshal(out, &found); err != nil || len(found) == 0 {
		return nil, fmt.Errorf("network %s: %s network inspect: want a JSON list, got %q (%v)", n.network(), e.Kind, out, err)
	}
	if found[0].Labels[clusterLabel] != n.cluster {
		return nil, &cluster.ForeignError{
			Object: fmt.Sprintf("network %q", n.network()),
			Why:    fmt.Sprintf("label %s: want %q, got %q", clusterLabel, n.cluster, found[0].Labels[clusterLabel]),
			Next:   "choose another name with --cluster, or remove that network yourself",
		}
	}
	return &found[0], nil
}

// ensureNetwork creates the cluster's network with meshgate's label unless it exists.
func ensureNetwork(ctx context.Context, e *engine.Engine, n names) (*network, error) {
	found, err := findNetwork(ctx, e, n)
	if err != nil || found != nil {
		return found, err
	}
	args := []string{"network", "create", "--driver", "bridge", "--label", clusterLabel + "=" + n.cluster}
	if mtu := defaultMTU(ctx, e); mtu != "" {
		args = append(args, "--opt", mtuOption+"="+mtu)
	}
	if _, err := e.Run(ctx, append(args, n.network())...); err != nil {
		return nil, fmt.Errorf("create network %s: %w", n.network(), err)
	}
	found, err = findNetwork(ctx, e, n)
	if err == nil && found == nil {
		err = fmt.Errorf("network %s: does not exist right after its creation", n.network())
	}
	return found, err
}

const mtuOption = "com.docker.network.driver.mtu"

// defaultMTU is the MTU that the administrator chose for the engine's own bridge, which
// matters where the host's network carries less than 1500 bytes.
func defaultMTU(ctx context.Context, e *engine.Engine) string {
	if e.Kind != engine.Docker {
		return ""
	}
	out, err := e.Run(ctx, "network", "inspect", "bridge", "--format", `{{ index .Options "`+mtuOption+`" }}`)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// removeNetwork removes the cluster's network; it succeeds if there is none.
func removeNetwork(ctx context.Context, e *engine.Engine, n names) error {
	found, err := findNetwork(ctx, e, n)
	if err != nil || found == nil {
		return err
	}
	if _, err := e.Run(ctx, "network", "rm", n.network()); err != nil && !gone(err) {
		return fmt.Errorf("remove network %s: %w", n.network(), err)
	}
	return nil
}

// poolFirst and poolLast are the last bytes of the addresses for gateways: the
// end of the subnet, far from where engines begin to give addresses to nodes.
const poolFirst, poolLast = 200, 250

// pool is the range of addresses for gateways, "a-b", in the network's IPv4 subnet.
func (w *network) pool() (string, error) {
	for _, c := range append(w.IPAM.Config, w.Subnets...) {
		prefix, err := netip.ParsePrefix(c.Subnet)
		if err != nil || !prefix.Addr().Is4() {
			continue
		}
		if prefix.Bits() > 24 {
			return "", fmt.Errorf("network %s: subnet %s is too small for a pool of gateway addresses: want /24 or larger", w.Name, prefix)
		}
		last := lastBlock(prefix)
		last[3] = poolFirst
		first := netip.AddrFrom4(last)
		last[3] = poolLast
		return first.String() + "-" + netip.AddrFrom4(last).String(), nil
	}
	return "", fmt.Errorf("network %s has no IPv4 subnet", w.Name)
}

// lastBlock is the last /24 of a prefix.
func lastBlock(prefix netip.Prefix) [4]byte {
	addr := prefix.Masked().Addr().As4()
	for bit := prefix.Bits(); bit < 24; bit++ {
		addr[bit/8] |= 1 << (7 - bit%8)
	}
	return addr
}

package kind

import (
	"context"
	"fmt"
	"strings"
)

// serviceSubnet is kind's default, said here because confine must know it.
const serviceSubnet = "10.96.0.0/16"

// confine has the nodes drop what is still addressed to a Service when it is about to leave
// them. While kube-proxy replaces its rules there is a moment in which nothing puts an
// endpoint in the Service's place: such a packet would go the way out of the cluster, where
// strangers may even answer. Dropped, it is sent again a second later.
func (w work) confine(ctx context.Context, settled <-chan struct{}) error {
	if err := after(ctx, settled); err != nil {
		return err
	}
	nodes, err := ourNodes(ctx, w.engine, w.names)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if _, err := w.engine.Run(ctx, append([]string{"exec", n.Name}, strings.Fields(confineRule)...)...); err != nil {
			return fmt.Errorf("keep the addresses of Services within node %s: %w", n.Name, err)
		}
	}
	return nil
}

// confineRule comes after all that changes an address.
const confineRule = "iptables --wait --table mangle --append POSTROUTING --destination " + serviceSubnet + " --jump DROP"

package kind

import (
	"context"
	"fmt"
	"strings"
)

// serviceSubnet is kind's default, said here because serviceRules must know it.
const serviceSubnet = "10.96.0.0/16"

// serviceRules make plain what becomes of a packet to a Service that has, for a moment or
// for good, nothing behind it.
var serviceRules = []string{
	// While kube-proxy replaces its rules there is a moment in which nothing puts an endpoint
	// in the Service's place: such a packet would go the way out of the cluster, where
	// strangers may even answer. Dropped, it is sent again a second later. The rule comes
	// after all that changes an address.
	"iptables --wait --table mangle --append POSTROUTING --destination " + serviceSubnet + " --jump DROP",
	// A Service without endpoints is refused by ICMP, of which the kernel sends a client few:
	// the rest is silence until the client's own deadline. Here every attempt is answered.
	"sysctl --write net.ipv4.icmp_ratelimit=0",
}

// ruleServices has every node keep serviceRules.
func (w work) ruleServices(ctx context.Context, settled <-chan struct{}) error {
	if err := after(ctx, settled); err != nil {
		return err
	}
	nodes, err := ourNodes(ctx, w.engine, w.names)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		for _, rule := range serviceRules {
			if _, err := w.engine.Run(ctx, append([]string{"exec", n.Name}, strings.Fields(rule)...)...); err != nil {
				return fmt.Errorf("set on node %s what becomes of packets to Services: %w", n.Name, err)
			}
		}
	}
	return nil
}

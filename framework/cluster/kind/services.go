package kind

import (
	"context"
	"fmt"
	"strings"
)

// serviceSubnet is kind's default, written here because serviceRules needs it.
const serviceSubnet = "10.96.0.0/16"

// serviceRules define what a node does with packets to a Service that has no endpoint, for a
// moment or permanently.
var serviceRules = []string{
	// While kube-proxy replaces its rules there is a moment without a rule that replaces the
	// Service's address by an endpoint's. The packet would leave the cluster, where another
	// host may even answer. Dropped, it is sent again a second later. The rule comes after all
	// rules that change addresses.
	"iptables --wait --table mangle --append POSTROUTING --destination " + serviceSubnet + " --jump DROP",
	// Packets to a Service without endpoints are rejected by ICMP. Without this the kernel
	// limits the rate for each client, whose further attempts would hang until its deadline.
	"sysctl --write net.ipv4.icmp_ratelimit=0",
}

// ruleServices applies serviceRules on every node.
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
				return fmt.Errorf("set the rules for packets to Services on node %s: %w", n.Name, err)
			}
		}
	}
	return nil
}

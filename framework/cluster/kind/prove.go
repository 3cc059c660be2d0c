package kind

import (
	"context"
	"fmt"
	"time"

	"meshgate/framework/cluster"
	"meshgate/framework/cluster/engine"
)

// proofLimit is how long the check of an existing cluster may take.
const proofLimit = 8 * time.Second

// prove returns the existing cluster, or the reason why it cannot be used.
func (w work) prove(ctx context.Context, nodes []node) (*cluster.Cluster, error) {
	ctx, stop := context.WithTimeout(ctx, proofLimit)
	defer stop()
	for _, n := range nodes {
		if !n.State.Running {
			return nil, fmt.Errorf("node %s is %s", n.Name, n.State.Status)
		}
	}
	k, err := connect(ctx, w.engine, w.names)
	if err != nil {
		return nil, err
	}
	version, err := k.Version(ctx)
	if err != nil {
		return nil, err
	}
	rec, err := readRecord(ctx, k)
	if err != nil {
		return nil, err
	}
	if err := rec.differs(w.parts.digests(), w.o.Nodes); err != nil {
		return nil, err
	}
	if err := nodesReady(ctx, k, w.o.Nodes); err != nil {
		return nil, err
	}
	return rec.cluster(w.names, version, false), nil
}

// nodeLog is the end of the log of kubelet and containerd on the first node.
func nodeLog(ctx context.Context, e *engine.Engine, n names) string {
	nodes, err := ourNodes(ctx, e, n)
	if err != nil || len(nodes) == 0 {
		return ""
	}
	out, err := e.Run(ctx, "exec", nodes[0].Name, "journalctl", "--no-pager", "--lines=20", "--output=cat", "--unit=kubelet", "--unit=containerd")
	if err != nil {
		return ""
	}
	return string(out)
}

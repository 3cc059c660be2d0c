package kind

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"meshgate/framework/cluster"
	"meshgate/framework/cluster/policy"
	"meshgate/framework/kube"
	"meshgate/framework/wait"
)

// build runs kind's creation, the import of images and the installation of the addons
// concurrently. Each begins as soon as its prerequisites exist, because kind's own steps
// leave the machine idle half of the time.
func (w work) build(ctx context.Context, p plan) (*cluster.Cluster, error) {
	if err := w.names.writeFiles(); err != nil {
		return nil, err
	}
	net, err := ensureNetwork(ctx, w.engine, w.names)
	if err != nil {
		return nil, err
	}
	addresses, err := net.pool()
	if err != nil {
		return nil, err
	}
	log := newLogger(w.phase)
	imported := make(chan struct{})
	var k *kube.Client
	rec := record{Digests: w.parts.digests(), Nodes: w.o.Nodes, Facts: w.facts(p, addresses)}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return create(gctx, p, log) })
	g.Go(func() error { return w.ruleServices(gctx, log.settled) })
	g.Go(func() error { return w.importImages(gctx, log.settled, imported) })
	g.Go(func() (err error) {
		if k, err = w.install(gctx, p, addresses, log.settled, imported); err == nil {
			rec.NoNetworkPolicy, err = w.examine(gctx, k)
		}
		return w.withNodeLog(gctx, err)
	})
	if err := g.Wait(); err != nil {
		return nil, w.withNodeLog(ctx, err)
	}
	return w.finish(ctx, k, rec)
}

// finish writes the record, which marks the cluster as finished.
func (w work) finish(ctx context.Context, k *kube.Client, rec record) (*cluster.Cluster, error) {
	version, err := k.Version(ctx)
	if err != nil {
		return nil, err
	}
	if err := rec.write(ctx, k); err != nil {
		return nil, err
	}
	return rec.cluster(w.names, version, true), nil
}

// importImages imports the images while kubeadm starts the control plane, the cluster's own
// first. It closes imported when those are in.
func (w work) importImages(ctx context.Context, settled <-chan struct{}, imported chan<- struct{}) error {
	if err := after(ctx, settled); err != nil {
		return err
	}
	nodes, err := ourNodes(ctx, w.engine, w.names)
	if err != nil {
		return err
	}
	if err := w.containerdAnswers(ctx, nodes); err != nil {
		return err
	}
	if err := loadAll(ctx, w.engine, nodes, w.bundle, w.parts.images(), w.phase); err != nil {
		return err
	}
	close(imported)
	return loadAll(ctx, w.engine, nodes, w.bundle, w.o.Preload, w.phase)
}

// containerdAnswers waits for the nodes' containerd: on a busy machine kind reaches this step
// before containerd has started.
func (w work) containerdAnswers(ctx context.Context, nodes []node) error {
	for _, n := range nodes {
		_, err := wait.Until(ctx, w.deadline("containerd of "+n.Name+" answers"), poll, func(ctx context.Context) error {
			_, err := imagesOf(ctx, w.engine, n.Name)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func after(ctx context.Context, event <-chan struct{}) error {
	select {
	case <-event:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// examine waits until everything runs, and meanwhile checks whether NetworkPolicies are
// enforced; reason says why not.
func (w work) examine(ctx context.Context, k *kube.Client) (reason string, err error) {
	if err := w.admitPods(ctx, k); err != nil {
		return "", err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.ready(ctx, k) })
	g.Go(func() (err error) {
		reason, err = w.enforcement(ctx, k)
		return err
	})
	return reason, g.Wait()
}

// enforcement proves that NetworkPolicies are enforced; reason says why the capability is
// missing.
func (w work) enforcement(ctx context.Context, k *kube.Client) (reason string, err error) {
	if w.parts.agent == nil {
		return fmt.Sprintf("it could not be proven: the bundle does not have %s", cluster.AgentImage), nil
	}
	err = policy.Proof{Kube: k, Owner: owner, Namespace: systemNamespace, Image: cluster.AgentImage, Budget: w.o.Budget}.Run(ctx)
	var absent *cluster.AbsentError
	if errors.As(err, &absent) {
		w.phase.Note("%s", absent)
		return absent.Reason, nil
	}
	return "", err
}

// facts describe the adaptations and the addons for the report.
func (w work) facts(p plan, addresses string) []string {
	cni := "CNI: the node image's own"
	if p.calico {
		cni = "CNI: Calico " + w.parts.calico[0].Version + " with VXLAN"
	}
	return slices.Concat(p.facts(), []string{
		cni,
		fmt.Sprintf("load balancer: MetalLB %s with addresses %s", w.parts.metallb[0].Version, addresses),
		fmt.Sprintf("small requests: %s a control-plane pod, one CoreDNS, no Calico controllers, no MetalLB webhook", controlPlaneCPU),
		"etcd runs without fsync: the cluster is disposable",
		"nodes drop packets that would leave them with the address of a Service",
	})
}

// deadline gives one wait the whole budget of the cluster.
func (w work) deadline(name string) wait.Deadline {
	return wait.Deadline{Name: name, Within: w.o.Budget.ClusterUp}
}

const poll = 200 * time.Millisecond

// withNodeLog adds the end of the node's logs to an error, before the node is removed.
func (w work) withNodeLog(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.As(err, new(nodeLogged)) {
		return err
	}
	text := nodeLog(ctx, w.engine, w.names)
	if text == "" {
		return err
	}
	return nodeLogged{fmt.Errorf("%w\nend of the node's log of kubelet and containerd:\n%s", err, text)}
}

// nodeLogged is an error that already has the node's log.
type nodeLogged struct{ error }

func (e nodeLogged) Unwrap() error { return e.error }

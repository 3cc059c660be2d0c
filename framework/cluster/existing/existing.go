// Package existing uses a cluster that somebody else runs, by its kubeconfig. It removes
// everything that it creates there, and it has no access to the nodes.
package existing

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster"
	"meshgate/framework/kube"
	"meshgate/framework/lease"
	"meshgate/framework/progress"
	"meshgate/framework/wait"
)

// ProviderName is the provider's name in the configuration.
const ProviderName = "existing"

// owner is the owner label of the temporary objects of the checks.
const owner kube.Owner = "cluster"

// Options say which cluster to use.
type Options struct {
	// Kubeconfig is the file; empty means the default of kubectl.
	Kubeconfig string
	// Context is the context in it; empty means the current one.
	Context string
	// Image is the agent's, with which the enforcement of NetworkPolicy is proven; the nodes
	// must have it or be able to pull it.
	Image string
	// Budget bounds the waits.
	Budget wait.Budget
}

// Provider is the cluster.Provider of one existing cluster.
type Provider struct{ o Options }

var _ cluster.Provider = (*Provider)(nil)

// New returns the provider; it sends no request to the cluster.
func New(o Options) *Provider { return &Provider{o: o} }

// Name implements cluster.Provider.
func (p *Provider) Name() string { return ProviderName }

// Up implements cluster.Provider: it checks the cluster's nodes and capabilities.
func (p *Provider) Up(ctx context.Context, _ *bundle.Bundle, log progress.Log) (*cluster.Cluster, error) {
	phase := log.Begin("existing cluster")
	c, err := p.up(ctx, phase)
	phase.End(err)
	return c, err
}

func (p *Provider) up(ctx context.Context, phase progress.Phase) (*cluster.Cluster, error) {
	k, err := kube.Connect(p.o.Kubeconfig, p.o.Context)
	if err != nil {
		return nil, err
	}
	phase.Waiting("API server " + k.REST().Host)
	version, err := k.Version(ctx)
	if err != nil {
		return nil, err
	}
	name, err := p.context()
	if err != nil {
		return nil, err
	}
	c := &cluster.Cluster{Name: name, Provider: ProviderName, Kubeconfig: p.o.Kubeconfig, Context: name, KubernetesVersion: version}
	if c.Facts, err = facts(ctx, k); err != nil {
		return nil, err
	}
	phase.Waiting("the checks of the cluster's capabilities")
	return c, p.capabilities(ctx, k, c)
}

// context is the name of the context in use.
func (p *Provider) context() (string, error) {
	if p.o.Context != "" {
		return p.o.Context, nil
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = p.o.Kubeconfig
	raw, err := rules.Load()
	if err != nil {
		return "", fmt.Errorf("kubeconfig: %w", err)
	}
	return raw.CurrentContext, nil
}

// facts describe the nodes for the report. A cluster without a ready node is refused; if this
// user may not list nodes, the cluster is accepted.
func facts(ctx context.Context, k *kube.Client) ([]string, error) {
	list, err := k.Typed().CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return []string{"its nodes cannot be listed: " + err.Error()}, nil
	}
	ready := slices.DeleteFunc(slices.Clone(list.Items), func(n corev1.Node) bool { return !isReady(n) })
	if len(ready) == 0 {
		return nil, fmt.Errorf("cluster at %s: nodes ready: want at least 1 of %d, got 0", k.REST().Host, len(list.Items))
	}
	info := ready[0].Status.NodeInfo
	return []string{fmt.Sprintf("%d of %d nodes ready; the first: %s, %s, kernel %s", len(ready), len(list.Items), info.OSImage, info.ContainerRuntimeVersion, info.KernelVersion)}, nil
}

func isReady(n corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// capabilities runs the checks concurrently in a namespace of their own. A lock keeps other
// processes of this machine from doing the same.
func (p *Provider) capabilities(ctx context.Context, k *kube.Client, c *cluster.Cluster) (err error) {
	unlock, err := lock(ctx, k.REST().Host)
	if err != nil {
		return err
	}
	defer unlock()
	if err := k.Apply(ctx, owner, namespace()); err != nil {
		return fmt.Errorf("namespace for the checks: %w", err)
	}
	defer func() {
		clean, stop := context.WithTimeout(context.WithoutCancel(ctx), p.o.Budget.Deletion)
		defer stop()
		err = errors.Join(err, k.Delete(clean, namespace()))
	}()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		c.NetworkPolicy, err = p.enforces(gctx, k)
		return err
	})
	g.Go(func() (err error) {
		c.LoadBalancer, err = p.balances(gctx, k)
		return err
	})
	return g.Wait()
}

// lock locks the cluster, identified by the address of its API server.
func lock(ctx context.Context, server string) (unlock func(), err error) {
	dir, err := cluster.Dir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("folder of the clusters: %w", err)
	}
	sum := sha256.Sum256([]byte(server))
	return lease.Lock(ctx, filepath.Join(dir, fmt.Sprintf("existing-%x.lock", sum[:6])))
}

// Load implements cluster.Provider. The provider cannot load images into the nodes, so they
// must already be there or in a registry.
func (p *Provider) Load(ctx context.Context, c *cluster.Cluster, _ *bundle.Bundle, images []string, _ progress.Phase) error {
	k, err := kube.Connect(p.o.Kubeconfig, p.o.Context)
	if err != nil {
		return err
	}
	list, err := k.Typed().CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("images in the nodes of %s: %w", c.Name, err)
	}
	missing := missingImages(list.Items, images)
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("cluster %s was not created by meshgate: its nodes do not have the images %s, and meshgate cannot load them: load them by other means (`meshgate bundle save`), or use images that it can pull with --images upstream", c.Name, strings.Join(missing, ", "))
}

// missingImages are the images that some node does not have, as far as nodes list them.
func missingImages(nodes []corev1.Node, images []string) []string {
	return slices.DeleteFunc(slices.Clone(images), func(image string) bool {
		return !slices.ContainsFunc(nodes, func(n corev1.Node) bool { return !holds(n, image) })
	})
}

func holds(n corev1.Node, image string) bool {
	return slices.ContainsFunc(n.Status.Images, func(i corev1.ContainerImage) bool { return slices.Contains(i.Names, image) })
}

// Down implements cluster.Provider: it removes the objects of the checks; the cluster stays.
func (p *Provider) Down(ctx context.Context, log progress.Log) error {
	phase := log.Begin("leave the existing cluster")
	err := p.down(ctx)
	phase.End(err)
	return err
}

func (p *Provider) down(ctx context.Context) error {
	k, err := kube.Connect(p.o.Kubeconfig, p.o.Context)
	if err != nil {
		return err
	}
	owned, err := ours(ctx, k)
	if err != nil || len(owned) == 0 {
		return err
	}
	return k.Delete(ctx, namespace())
}

// Leftovers implements cluster.Provider.
func (p *Provider) Leftovers(ctx context.Context) ([]string, error) {
	k, err := kube.Connect(p.o.Kubeconfig, p.o.Context)
	if err != nil {
		return nil, err
	}
	return ours(ctx, k)
}

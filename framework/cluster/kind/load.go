package kind

import (
	"context"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/progress"
)

// Load implements cluster.Provider.
func (p *Provider) Load(ctx context.Context, c *cluster.Cluster, b *bundle.Bundle, images []string, log progress.Phase) error {
	e, err := engine.Detect(ctx, p.o.Runner, p.o.Engine)
	if err != nil {
		return err
	}
	nodes, err := ourNodes(ctx, e, p.names)
	if err != nil {
		return err
	}
	if len(nodes) == 0 {
		return fmt.Errorf("load images into cluster %s: want at least one node, got none: create the cluster with `meshgate up`", c.Name)
	}
	return loadAll(ctx, e, nodes, b, images, log)
}

// loadAll loads the images into all nodes concurrently.
func loadAll(ctx context.Context, e *engine.Engine, nodes []node, b *bundle.Bundle, images []string, log progress.Phase) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range nodes {
		g.Go(func() error { return loadNode(ctx, e, n.Name, b, images, log) })
	}
	return g.Wait()
}

// loadNode imports the images that the node does not have. With --local containerd reads the
// archive in large pieces; its transfer service takes three times the CPU time for the same
// images. The archive has the lock's digests, by which containerd identifies images: those
// with the same name and digest are skipped.
func loadNode(ctx context.Context, e *engine.Engine, node string, b *bundle.Bundle, images []string, log progress.Phase) error {
	have, err := imagesOf(ctx, e, node)
	if err != nil {
		return err
	}
	var missing []string
	for _, name := range images {
		entry, err := b.Entry(name)
		if err != nil {
			return err
		}
		if have[name] != entry.Digest {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	log.Waiting(fmt.Sprintf("%d of %d images into node %s", len(missing), len(images), node))
	err = stream(func(w io.Writer) error { return b.WriteImages(w, missing...) }, func(r io.Reader) error {
		_, err := e.Call(ctx, engine.Call{
			Args:  []string{"exec", "--interactive", node, "ctr", "--namespace=k8s.io", "images", "import", "--local", "-"},
			Stdin: r,
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("import %s into node %s: %w", strings.Join(missing, ", "), node, err)
	}
	return nil
}

// imagesOf lists the images of a node's containerd: digest by name.
func imagesOf(ctx context.Context, e *engine.Engine, node string) (map[string]string, error) {
	out, err := e.Run(ctx, "exec", node, "ctr", "--namespace=k8s.io", "images", "list")
	if err != nil {
		return nil, fmt.Errorf("images of node %s: %w", node, err)
	}
	return parseImages(string(out)), nil
}

// parseImages parses the table REF TYPE DIGEST …, whose first line is the header.
func parseImages(table string) map[string]string {
	have := map[string]string{}
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 2 && strings.HasPrefix(f[2], "sha256:") {
			have[f[0]] = f[2]
		}
	}
	return have
}

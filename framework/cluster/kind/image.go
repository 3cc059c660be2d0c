package kind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/progress"
)

// nodeRepository is the name under which engines keep the node images. It is not the upstream
// name, which loading would take from an image of the user; and it is fully qualified,
// because Podman would search registries for a short name.
const nodeRepository = "localhost/meshgate/node"

// nodeComponent is the node image's component in the bundle.
const nodeComponent = "node"

// nodeEntry is the bundle's entry for the node image.
func nodeEntry(b *bundle.Bundle) (bundle.Entry, error) {
	for _, e := range b.Entries(nodeComponent) {
		if e.Kind == bundle.KindImage {
			return e, nil
		}
	}
	return bundle.Entry{}, fmt.Errorf("bundle %s has no node image: run `meshgate bundle fill node` to fetch it", b.Dir())
}

// nodeTag is the engine's tag for a node image; it follows from its content.
func nodeTag(e bundle.Entry) string {
	_, hex, _ := strings.Cut(e.Digest, ":")
	return nodeRepository + ":" + hex[:min(12, len(hex))]
}

// ensureNodeImage loads the node image into the engine unless it is there. The image stays
// there as a cache; Purge removes it (`meshgate down --node-images`).
func ensureNodeImage(ctx context.Context, e *engine.Engine, b *bundle.Bundle, entry bundle.Entry, log progress.Phase) (tag string, err error) {
	tag = nodeTag(entry)
	if _, err := e.Run(ctx, "image", "inspect", "--format", "{{.Id}}", tag); err == nil {
		return tag, nil
	} else if ctx.Err() != nil {
		return "", err
	}
	log.Waiting(fmt.Sprintf("node image %s, %d MB, into %s", entry.Version, entry.Size>>20, e.Kind))
	ref, err := name.NewTag(tag)
	if err != nil {
		return "", fmt.Errorf("node image: %w", err)
	}
	img, err := b.Image(entry.Name)
	if err != nil {
		return "", err
	}
	err = stream(func(w io.Writer) error { return tarball.Write(ref, img, w) }, func(r io.Reader) error {
		_, err := e.Call(ctx, engine.Call{Args: []string{"load"}, Stdin: r})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("load node image %s into %s: %w", tag, e.Kind, err)
	}
	return tag, nil
}

// stream connects a writing and a reading function. It reports the reader's error first:
// after a failed reader the writer only says that the pipe is closed.
func stream(write func(io.Writer) error, read func(io.Reader) error) error {
	r, w := io.Pipe()
	wrote := make(chan error, 1)
	go func() {
		err := write(w)
		_ = w.CloseWithError(err)
		wrote <- err
	}()
	rerr := read(r)
	_ = r.CloseWithError(io.ErrClosedPipe)
	werr := <-wrote
	if rerr != nil && errors.Is(werr, io.ErrClosedPipe) {
		return rerr
	}
	return errors.Join(werr, rerr)
}

// nodeImages lists meshgate's node images in the engine.
func nodeImages(ctx context.Context, e *engine.Engine) ([]string, error) {
	out, err := e.Run(ctx, "images", "--format", "{{.Repository}}:{{.Tag}}", nodeRepository)
	if err != nil {
		return nil, fmt.Errorf("node images in %s: %w", e.Kind, err)
	}
	return strings.Fields(string(out)), nil
}

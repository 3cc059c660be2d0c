package kind

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/progress"
)

// baked returns a node image whose containerd store already has the images. Importing them
// takes longer than starting the control plane, so it is done once for a bundle and engine
// and not for each cluster. A failure to bake is no error: the images are then imported into
// each node.
func (w work) baked(ctx context.Context, base string) (tag string, err error) {
	entries, err := bakeable(w.bundle, slices.Concat(w.parts.images(), w.o.Preload))
	if err != nil || len(entries) == 0 {
		return base, err
	}
	tag = base + "-" + fingerprint(entries)
	if _, err := w.engine.Run(ctx, "image", "inspect", "--format", "{{.Id}}", tag); err == nil {
		return tag, nil
	}
	why := bakeImage(ctx, w.engine, w.bundle, base, tag, entries, w.phase)
	if ctx.Err() != nil {
		return "", fmt.Errorf("node image %s: %w", tag, context.Cause(ctx))
	}
	if why != nil {
		w.phase.Note("images are imported into each new node: %s", why)
		return base, nil
	}
	return tag, nil
}

// bakeable returns the entries of third-party images, which seldom change. The project's own
// images are small and change with every edit.
func bakeable(b *bundle.Bundle, images []string) ([]bundle.Entry, error) {
	var entries []bundle.Entry
	for _, name := range images {
		e, err := b.Entry(name)
		if err != nil {
			return nil, err
		}
		c, err := bundle.Find(e.Component)
		if err != nil {
			return nil, err
		}
		if !c.Own && !slices.ContainsFunc(entries, func(o bundle.Entry) bool { return o.Name == e.Name }) {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// fingerprint identifies a set of images by content, in any order, and the script that bakes
// them.
func fingerprint(entries []bundle.Entry) string {
	lines := []string{bakeScript}
	for _, e := range entries {
		lines = append(lines, e.Name+"@"+e.Digest)
	}
	slices.Sort(lines[1:])
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(lines, "\n"))))[:12]
}

// bakeScript imports what comes in at its standard input into the store of the
// image that it runs in. containerd cannot unpack on the overlay file system of
// a container, so that it works in memory, and the result is copied back. Layers
// that are unpacked are not kept a second time: containerd drops them when a
// lease ends.
//
// Engines copy all of /var into a volume when they make a node, which for these
// layers takes seconds. So they are put elsewhere, with links to them in their
// place: a pod's file system follows a link to a layer below it. Where overlay
// file systems cannot be stacked once more, they stay where they are.
const bakeScript = `set -e
new=/baking/root old=/var/lib/containerd away=/opt/meshgate/snapshots
content=io.containerd.content.v1.content bolt=io.containerd.metadata.v1.bolt snap=io.containerd.snapshotter.v1.overlayfs
mkdir -p $new $away && cp -a $old/. $new/
printf 'version = 3\ndisabled_plugins = [%s]\n' '"io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"' > /baking/config.toml
containerd --config /baking/config.toml --root $new --state /baking/state --address /baking/socket --log-level error &
daemon=$!
c="ctr --address /baking/socket --namespace k8s.io"
for i in $(seq 300); do $c version >/dev/null 2>&1 && break; sleep 0.1; done
$c images import --local --discard-unpacked-layers -
$c leases create --id meshgate
$c leases delete --sync meshgate
kill $daemon && wait $daemon
cd $new && rm -rf $old/$content $old/$bolt $old/$snap
mkdir -p /baking/upper /baking/work /baking/merged $away/try
if mount -t overlay overlay -o lowerdir=$away/try,upperdir=/baking/upper,workdir=/baking/work /baking/merged; then
  umount /baking/merged
  for fs in $snap/snapshots/*/fs; do
    id=$(basename $(dirname $fs)) && mkdir $away/$id && cp -a $fs $away/$id/ && rm -rf $fs && ln -s $away/$id/fs $fs
  done
fi
rmdir $away/try
cp -a $content $bolt $snap $old/
`

// bakeImage runs the script in a container of the base image and commits the result under
// tag. It removes the container in any case.
func bakeImage(ctx context.Context, e *engine.Engine, b *bundle.Bundle, base, tag string, entries []bundle.Entry, log progress.Phase) error {
	if err := noWhiteouts(b, entries); err != nil {
		return err
	}
	log.Waiting(fmt.Sprintf("baking %d images into the node image, once for this bundle", len(entries)))
	change, err := entrypoint(ctx, e, base)
	if err != nil {
		return err
	}
	name := strings.NewReplacer("/", "-", ":", "-").Replace(tag)
	defer func() {
		clean, stop := context.WithTimeout(context.WithoutCancel(ctx), removalLimit)
		defer stop()
		_, _ = e.Run(clean, "rm", "--force", "--volumes", name)
	}()
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name)
	}
	err = stream(func(w io.Writer) error { return b.WriteImages(w, names...) }, func(r io.Reader) error {
		_, err := e.Call(ctx, engine.Call{Stdin: r, Args: []string{
			"run", "--interactive", "--privileged", "--name", name, "--network", "none",
			"--tmpfs", "/baking:exec", "--tmpfs", "/run", "--tmpfs", "/tmp", "--entrypoint", "bash", base, "-c", bakeScript,
		}})
		return err
	})
	if err != nil {
		return fmt.Errorf("bake images into %s: %w", base, err)
	}
	if _, err := e.Run(ctx, append(append([]string{"commit"}, change...), name, tag)...); err != nil {
		return fmt.Errorf("commit the baked image %s: %w", tag, err)
	}
	return nil
}

// entrypoint returns how an image starts, as changes for a commit: the committed image would
// otherwise start like the container in which the script ran.
func entrypoint(ctx context.Context, e *engine.Engine, image string) ([]string, error) {
	out, err := e.Run(ctx, "image", "inspect", "--format", "{{json .Config}}", image)
	if err != nil {
		return nil, fmt.Errorf("entrypoint of %s: %w", image, err)
	}
	config := struct{ Entrypoint, Cmd []string }{}
	if err := json.Unmarshal(out, &config); err != nil {
		return nil, fmt.Errorf("entrypoint of %s: %w", image, err)
	}
	entry, err1 := json.Marshal(config.Entrypoint)
	cmd, err2 := json.Marshal(append([]string{}, config.Cmd...))
	return []string{"--change", "ENTRYPOINT " + string(entry), "--change", "CMD " + string(cmd)}, errors.Join(err1, err2)
}

// noWhiteouts refuses images whose layers delete files of lower layers. The store records
// that in whiteout marks, which a copy within a container loses.
func noWhiteouts(b *bundle.Bundle, entries []bundle.Entry) error {
	for _, e := range entries {
		img, err := b.Image(e.Name)
		if err != nil {
			return err
		}
		layers, err := img.Layers()
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		for _, l := range layers {
			content, err := l.Uncompressed()
			if err != nil {
				return fmt.Errorf("%s: %w", e.Name, err)
			}
			err = errors.Join(whiteouts(content), content.Close())
			if err != nil {
				return fmt.Errorf("%s: %w", e.Name, err)
			}
		}
	}
	return nil
}

// whiteouts reads a layer up to its first deletion.
func whiteouts(layer io.Reader) error {
	for r := tar.NewReader(layer); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("layer: %w", err)
		}
		if strings.HasPrefix(path.Base(h.Name), ".wh.") {
			return fmt.Errorf("a layer deletes %s of a lower layer", h.Name)
		}
	}
}

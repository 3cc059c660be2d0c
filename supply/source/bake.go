package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"meshgate/supply/source/layer"
	"meshgate/supply/source/recipe"
	"meshgate/supply/toolrun"
)

// bakeLimit is what containerd gets to start; it takes a second.
const bakeLimit = time.Minute

// stores are the folders of containerd's root that hold images. The rest says
// which containerd it was and what it ran.
var stores = []string{
	"io.containerd.content.v1.content", "io.containerd.metadata.v1.bolt", "io.containerd.snapshotter.v1.overlayfs",
}

// bake lets a containerd of the recipe import images on this machine, and takes
// its store as a layer. They are kept unpacked only, so that a node neither
// unpacks them when it starts nor carries them twice.
func (j *job) bake(ctx context.Context, b recipe.Bake) (*layer.Layer, error) {
	j.log.Waiting("baking images into the node's store")
	archive, err := j.archive(b.Images)
	if err != nil {
		return nil, err
	}
	root, err := j.importAll(ctx, b, archive)
	if err != nil {
		return nil, fmt.Errorf("baking images: %w", err)
	}
	return layer.Write(j.file("layer-baked.tar"), func(w *layer.Writer) error {
		for _, store := range stores {
			if err := w.Clone(path.Join(b.Root, store), path.Join(root, store)); err != nil {
				return err
			}
		}
		return nil
	})
}

// archive writes the images into one tar file in the form of `docker save`.
func (j *job) archive(names []string) (string, error) {
	images := map[name.Tag]v1.Image{}
	for _, one := range names {
		b, err := j.images.get(one)
		if err != nil {
			return "", err
		}
		for _, spelt := range append([]string{one}, b.recipe.Alias...) {
			tag, err := name.NewTag(spelt, name.StrictValidation)
			if err != nil {
				return "", fmt.Errorf("baked image: %w", err)
			}
			images[tag] = b.image
		}
	}
	out := j.file("baked.tar")
	if err := tarball.MultiWriteToFile(out, images); err != nil {
		return "", fmt.Errorf("baked images: %w", err)
	}
	return out, nil
}

// importAll runs containerd for as long as the import takes and returns its root.
func (j *job) importAll(ctx context.Context, b recipe.Bake, archive string) (root string, err error) {
	daemon, err := j.programs.get(b.Containerd)
	if err != nil {
		return "", err
	}
	ctr, err := j.programs.get(b.Ctr)
	if err != nil {
		return "", err
	}
	// A socket's path has at most 107 bytes: too few for a folder below the cache.
	run, err := os.MkdirTemp("", "meshgate-bake-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(run)) }()
	root = j.file("containerd")
	stop, err := startContainerd(ctx, daemon, run, root)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for _, args := range importArgs(archive) {
		command := append([]string{ctr, "--address", path.Join(run, "socket"), "--namespace", "k8s.io"}, args...)
		if _, err := toolrun.Run(ctx, toolrun.Command{Args: command}); err != nil {
			return "", err
		}
	}
	return root, nil
}

// importArgs import the archive; deleting a lease then runs containerd's garbage
// collection, which takes away the layers that are unpacked by now.
func importArgs(archive string) [][]string {
	return [][]string{
		{"images", "import", "--local", "--all-platforms", "--discard-unpacked-layers", archive},
		{"leases", "create", "--id", "meshgate"},
		{"leases", "delete", "--sync", "meshgate"},
	}
}

// containerdConfig leaves out what only a node needs, and keeps it from making
// folders outside of its own.
const containerdConfig = `version = 3
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri",
  "io.containerd.podsandbox.controller.v1.podsandbox", "io.containerd.nri.v1.nri"]
[plugins."io.containerd.internal.v1.opt"]
  path = %q
`

// startContainerd starts containerd with folders of its own and waits until it
// says that it is ready. It is told so as systemd would be, without any polling.
func startContainerd(ctx context.Context, program, run, root string) (stop func() error, err error) {
	settings := path.Join(run, "config.toml")
	if err := os.WriteFile(settings, fmt.Appendf(nil, containerdConfig, path.Join(run, "opt")), 0o600); err != nil {
		return nil, err
	}
	ready, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path.Join(run, "ready"), Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	ctx, cancel := context.WithCancel(ctx)
	d := startDaemon(ctx, toolrun.Command{
		Env: []string{"NOTIFY_SOCKET=" + path.Join(run, "ready")}, Mounts: true,
		Args: []string{
			program, "--config", settings, "--root", root, "--state", path.Join(run, "state"),
			"--address", path.Join(run, "socket"), "--log-level", "warn",
		},
	})
	stop = func() error {
		cancel()
		<-d.ended
		return nil
	}
	if err := d.ready(ready); err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}

// daemon is a program that runs until its context ends.
type daemon struct {
	ended chan struct{} // closed when it has ended
	err   error         // how; only valid then
}

func startDaemon(ctx context.Context, c toolrun.Command) *daemon {
	d := &daemon{ended: make(chan struct{})}
	go func() {
		defer close(d.ended)
		_, d.err = toolrun.Run(ctx, c)
	}()
	return d
}

// ready waits for the word READY=1 on the socket, or the end of the daemon.
func (d *daemon) ready(socket *net.UnixConn) error {
	heard := make(chan error, 1)
	go func() { heard <- hear(socket) }()
	select {
	case err := <-heard:
		return err
	case <-d.ended:
		return fmt.Errorf("containerd ended before it was ready: %w", d.err)
	}
}

func hear(socket *net.UnixConn) error {
	if err := socket.SetReadDeadline(time.Now().Add(bakeLimit)); err != nil {
		return err
	}
	message := make([]byte, 4096)
	for {
		n, err := socket.Read(message)
		if err != nil {
			return fmt.Errorf("containerd was not ready within %s: %w", bakeLimit, err)
		}
		if strings.Contains(string(message[:n]), "READY=1") {
			return nil
		}
	}
}

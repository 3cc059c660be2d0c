package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"meshgate/framework/bundle"
	"meshgate/supply/source/layer"
	"meshgate/supply/source/recipe"
)

// built is an image with its recipe.
type built struct {
	recipe recipe.Image
	image  v1.Image
}

// deliver puts layers together, images out of layers, and images and files into
// the bundle.
func (j *job) deliver(ctx context.Context, c bundle.Component, digest string, w bundle.Writer) error {
	for _, step := range []func() error{
		func() error { return each(ctx, j.recipe.Layers, j.layer) },
		func() error { return each(ctx, j.recipe.Baked, j.image) },
		func() error { return each(ctx, j.recipe.Images, j.image) },
		func() error { return each(ctx, j.recipe.Images, j.writeImage(c, digest, w)) },
		func() error { return each(ctx, j.recipe.Files, j.writeFiles(c, digest, w)) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) layer(ctx context.Context, l recipe.Layer) error {
	j.log.Waiting("layer " + l.Name)
	out, err := layer.Write(j.file("layer-"+l.Name+".tar"), func(w *layer.Writer) error {
		if err := j.addRootFS(w, l.RootFS); err != nil {
			return err
		}
		return each(ctx, l.Contents, func(ctx context.Context, c recipe.Content) error {
			return j.addContent(ctx, w, c)
		})
	})
	if err != nil {
		return fmt.Errorf("layer %s: %w", l.Name, err)
	}
	j.layers.set(l.Name, out)
	return nil
}

func (j *job) addRootFS(w *layer.Writer, name string) (err error) {
	if name == "" {
		return nil
	}
	path, err := j.rootfs.get(name)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var what layer.Import
	for _, fs := range j.recipe.RootFS {
		if fs.Name == name {
			what = layer.Import{Remove: fs.Remove, Join: fs.Join}
		}
	}
	return w.Import(file, what)
}

func (j *job) addContent(ctx context.Context, w *layer.Writer, c recipe.Content) error {
	mode, err := c.FileMode()
	if err != nil {
		return err
	}
	switch {
	case c.Folder:
		return w.Folder(c.To, mode)
	case c.Link != "":
		return w.Link(c.To, c.Link)
	case c.Text != "":
		return w.Text(c.To, c.Text, mode)
	case c.Module != nil:
		from, err := j.modulePath(ctx, *c.Module)
		if err != nil {
			return err
		}
		if info, err := os.Stat(from); err == nil && info.IsDir() {
			return w.Tree(c.To, from, mode)
		}
		return w.File(c.To, from, mode)
	}
	from, err := j.contentFile(c)
	if err != nil {
		return err
	}
	return w.File(c.To, from, mode)
}

// contentFile is the file on this machine that c is a copy of.
func (j *job) contentFile(c recipe.Content) (string, error) {
	switch {
	case c.Program != "":
		return j.programs.get(c.Program)
	case c.Wheel != "":
		return j.wheels.get(c.Wheel)
	default:
		return filepath.Join(j.recipe.Dir, c.File), nil
	}
}

// image makes an image of layers that are there.
func (j *job) image(ctx context.Context, i recipe.Image) error {
	var layers []*layer.Layer
	for _, name := range i.Layers {
		l, err := j.layers.get(name)
		if err != nil {
			return fmt.Errorf("image %s: %w", i.Name, err)
		}
		layers = append(layers, l)
	}
	if i.Bake != nil {
		baked, err := j.bake(ctx, *i.Bake)
		if err != nil {
			return fmt.Errorf("image %s: %w", i.Name, err)
		}
		layers = append(layers, baked)
	}
	img, err := layer.Image(runtime.GOARCH, config(i), layers...)
	if err != nil {
		return fmt.Errorf("image %s: %w", i.Name, err)
	}
	j.images.set(i.Name, built{recipe: i, image: img})
	return nil
}

// searchPath is where a container looks for programs unless its image says otherwise.
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func config(i recipe.Image) v1.Config {
	env := i.Env
	if !hasPath(env) {
		env = append([]string{searchPath}, env...)
	}
	ports := map[string]struct{}{}
	for _, port := range i.Ports {
		ports[port] = struct{}{}
	}
	return v1.Config{
		Entrypoint: i.Entrypoint, Cmd: i.Cmd, Env: env, User: i.User, WorkingDir: i.WorkDir,
		StopSignal: i.StopSignal, Labels: i.Labels, ExposedPorts: ports,
	}
}

func hasPath(env []string) bool {
	for _, e := range env {
		if strings.HasPrefix(e, "PATH=") {
			return true
		}
	}
	return false
}

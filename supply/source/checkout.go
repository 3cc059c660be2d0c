package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"meshgate/framework/bundle"
	"meshgate/supply/source/recipe"
)

// module is the name of the Go module whose checkout holds the recipes.
const module = "meshgate"

// declares matches the go.mod of that module.
var declares = regexp.MustCompile(`(?m)^module[ \t]+` + module + `[ \t]*\r?$`)

// findCheckout goes upwards from dir to the go.mod of meshgate. The recipes are
// Go modules of their own, so they cannot be inside the program.
func findCheckout(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("no %s checkout found: %w", module, err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		raw, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && declares.Match(raw) {
			return dir, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("no %s checkout found: %w", module, err)
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no %s checkout found in %s or above it: run inside a checkout to build from source", module, start)
		}
	}
}

// agrees compares a recipe with the catalogue: both must name the same things.
func agrees(r *recipe.Recipe, c bundle.Component) error {
	var images, files []string
	for _, i := range r.Images {
		images = append(images, i.Name)
	}
	for _, f := range r.Files {
		files = append(files, f.Name)
	}
	return errors.Join(
		same(c.Name, "name", []string{c.Name}, []string{r.Component}),
		same(c.Name, "version", []string{c.Version}, []string{r.Version}),
		same(c.Name, "images", c.Images, images),
		same(c.Name, "files", c.Files, files),
	)
}

func same(component, what string, want, got []string) error {
	want, got = slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))
	if slices.Equal(want, got) {
		return nil
	}
	return fmt.Errorf("recipe of %s: %s: the catalogue wants %s, the recipe makes %s",
		component, what, strings.Join(want, " "), strings.Join(got, " "))
}

package recipe

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// checkVendored refuses files for packages of other modules that cannot get there.
// Whether there is such a package is seen when it is vendored.
func (r *Recipe) checkVendored(b Build) []error {
	if len(b.Vendored) == 0 {
		return nil
	}
	who := fmt.Sprintf("build in module %q: vendored", b.Module)
	var wrong []error
	if _, err := os.Stat(filepath.Join(r.ModuleDir(b.Module), "tools.go")); err != nil {
		wrong = append(wrong, fmt.Errorf("%s: want a tools.go that imports the programs: %w", who, err))
	}
	for _, name := range slices.Sorted(maps.Keys(b.Programs)) {
		if pkg := b.Programs[name]; strings.HasPrefix(pkg, ".") {
			wrong = append(wrong, fmt.Errorf("%s: program %q: want one of another module, got %s: put it into a build of its own", who, name, pkg))
		}
	}
	seen := set{}
	for _, v := range b.Vendored {
		if seen[v.To] {
			wrong = append(wrong, fmt.Errorf("%s %s: it is given twice", who, v.To))
		}
		seen[v.To] = true
		wrong = append(wrong, r.checkVendoredFile(who+" "+v.To, v))
	}
	return wrong
}

func (r *Recipe) checkVendoredFile(who string, v Vendored) error {
	if !fs.ValidPath(v.To) || path.Dir(v.To) == "." {
		return fmt.Errorf("%s: to: want the import path of a package and the name of a file in it, got %q", who, v.To)
	}
	if !filepath.IsLocal(v.File) {
		return fmt.Errorf("%s: file: want a path inside the recipe, got %q", who, v.File)
	}
	info, err := os.Stat(filepath.Join(r.Dir, v.File))
	if err != nil {
		return fmt.Errorf("%s: file: %w", who, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: file: want a regular file, got %s, which is %s", who, v.File, info.Mode().Type())
	}
	return nil
}

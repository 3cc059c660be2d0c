// Package archtest holds the rules of the layout in docs/design.md as tests that say why. It reads
// the module's packages by `go list` and their sources by go/parser.
package archtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Package is one package of the module. Paths of the module begin with "./".
type Package struct {
	Path        string   // "./framework/wait", "." for the module's root
	Main        bool     // package main
	Imports     []string // of the package itself
	TestImports []string // of its tests, beyond that
	Files       []string // sources, also those of other platforms
	TestFiles   []string
}

// supplyModule is the folder of the module meshgate/supply. Its packages stand under
// the same rules: their paths are "./supply/…", as if there were one module.
const supplyModule = "supply"

// Load lists the packages of the module in dir and of meshgate/supply in it, without
// other modules nested in it. Packages that do not build are listed all the same.
func Load(ctx context.Context, dir string) (root string, pkgs []Package, err error) {
	root, module, err := locate(ctx, dir)
	if err != nil {
		return "", nil, err
	}
	for _, folder := range []string{".", supplyModule} {
		if _, err := os.Stat(filepath.Join(root, folder, "go.mod")); err != nil {
			continue // a test's own module has no second one
		}
		found, err := list(ctx, filepath.Join(root, folder))
		if err != nil {
			return "", nil, err
		}
		for _, l := range found {
			pkgs = append(pkgs, l.in(root, module))
		}
	}
	return root, pkgs, nil
}

// list lists the packages of the module in dir.
func list(ctx context.Context, dir string) (all []listed, err error) {
	out, err := run(ctx, dir, "list", "-e", "-json=ImportPath,Name,Dir,Imports,TestImports,XTestImports,GoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles", "./...")
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list in %s: %w", dir, err)
		}
		all = append(all, l)
	}
}

func locate(ctx context.Context, dir string) (root, module string, err error) {
	out, err := run(ctx, dir, "list", "-m", "-f", "{{.Path}}\n{{.Dir}}")
	if err != nil {
		return "", "", err
	}
	module, root, ok := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if !ok {
		return "", "", fmt.Errorf("go list -m in %s: want a module and its directory, got %q", dir, out)
	}
	return root, module, nil
}

func run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return out, nil
}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath, Name, Dir              string
	Imports, TestImports, XTestImports []string
	GoFiles, IgnoredGoFiles            []string
	TestGoFiles, XTestGoFiles          []string
}

func (l listed) in(root, module string) Package {
	p := Package{Path: local(l.ImportPath, module), Main: l.Name == "main"}
	for _, i := range l.Imports {
		p.Imports = append(p.Imports, local(i, module))
	}
	for _, i := range slices.Concat(l.TestImports, l.XTestImports) {
		p.TestImports = append(p.TestImports, local(i, module))
	}
	rel, err := filepath.Rel(root, l.Dir)
	if err != nil {
		rel = l.Dir
	}
	for _, f := range slices.Concat(l.GoFiles, l.IgnoredGoFiles) {
		name := path.Join(filepath.ToSlash(rel), f)
		if strings.HasSuffix(f, "_test.go") {
			p.TestFiles = append(p.TestFiles, name)
			continue
		}
		p.Files = append(p.Files, name)
	}
	for _, f := range slices.Concat(l.TestGoFiles, l.XTestGoFiles) {
		p.TestFiles = append(p.TestFiles, path.Join(filepath.ToSlash(rel), f))
	}
	return p
}

// local turns an import path of the module into one relative to it; others stay.
func local(importPath, module string) string {
	if importPath == module {
		return "."
	}
	if rest, ok := strings.CutPrefix(importPath, module+"/"); ok {
		return ours + rest
	}
	return importPath
}

// ours begins the path of every package of the module.
const ours = "./"

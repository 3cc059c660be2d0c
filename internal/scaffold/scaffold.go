// Package scaffold writes a new suite into a checkout: one that compiles, runs green, and is
// turned red by each of its sabotages, for its author to change.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed template/*.tmpl
var templates embed.FS

// catalogue and index are the files in which each suite has a line.
const (
	catalogue = "suites/suites.go"
	index     = "docs/spec/README.md"
)

// names of suites are parts of the names of namespaces and hosts.
var names = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

const longest = 40 // of a namespace's 63 characters, the rest is the readable name's

// suite is what the templates know.
type suite struct{ Name, Package string }

// Write writes the suite into the checkout at root, and returns the files that it made or
// changed, relative to root. A name that is taken or cannot be one, and a folder that is no
// checkout, are errors; nothing is written then.
func Write(root, name string) ([]string, error) {
	if !names.MatchString(name) || len(name) > longest {
		return nil, fmt.Errorf("suite %q: want lower-case letters, digits and single dashes, a letter first, at most %d characters, such as header-routing", name, longest)
	}
	s := suite{name, strings.ReplaceAll(name, "-", "")}
	if token.IsKeyword(s.Package) || s.Package == "suite" || s.Package == "suites" {
		return nil, fmt.Errorf("suite %q: %s cannot be the name of its Go package: choose another", name, s.Package)
	}
	files, err := s.files()
	if err != nil {
		return nil, err
	}
	for _, folder := range []string{"suites/" + name, "fixtures/" + name, "docs/spec/" + name + ".md"} {
		if _, err := os.Stat(filepath.Join(root, folder)); err == nil {
			return nil, fmt.Errorf("suite %q: %s is there already: choose another name", name, folder)
		}
	}
	if err := s.register(root, files); err != nil {
		return nil, err
	}
	var written []string
	for file, text := range files {
		at := filepath.Join(root, file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, text, 0o644)); err != nil {
			return nil, fmt.Errorf("suite %q: %w", name, err)
		}
		written = append(written, file)
	}
	slices.Sort(written)
	return written, nil
}

// files are the suite's own, by path.
func (s suite) files() (map[string][]byte, error) {
	all, err := template.ParseFS(templates, "template/*.tmpl")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, file := range []string{
		"suites/" + s.Name + "/suite.go", "suites/" + s.Name + "/served.go", "suites/" + s.Name + "/e2e_test.go",
		"fixtures/" + s.Name + "/served/gateway.yaml", "fixtures/" + s.Name + "/served/virtual-service.yaml",
		"fixtures/" + s.Name + "/sabotage/answered.yaml", "docs/spec/" + s.Name + ".md",
	} {
		from := path.Base(file)
		if path.Ext(file) == ".md" {
			from = "page.md"
		}
		var text bytes.Buffer
		if err := all.ExecuteTemplate(&text, from+".tmpl", s); err != nil {
			return nil, err
		}
		files[file] = text.Bytes()
	}
	return files, nil
}

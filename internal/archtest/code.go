package archtest

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
)

// CodeRule is a rule about sources.
type CodeRule struct {
	Name    string
	In      []string // packages, as in ImportRule
	Except  []string
	Tests   bool // also for test files
	NotMain bool // not for commands
	Find    func(Sources) []Finding
	Why     string
}

// Sources are the files of one package that a rule looks at.
type Sources struct {
	Fset  *token.FileSet
	Files []*ast.File
}

// Finding is a place in the sources.
type Finding struct {
	Pos  token.Pos
	What string
}

// Check returns what breaks the rule in a package.
func (r CodeRule) Check(p Package, own, tests Sources) []Violation {
	if !matchAny(r.In, p.Path) || matchAny(r.Except, p.Path) || r.NotMain && p.Main {
		return nil
	}
	found := located(own, r.Find(own), r.Why)
	if r.Tests {
		found = append(found, located(tests, r.Find(tests), r.Why)...)
	}
	return found
}

func located(s Sources, findings []Finding, why string) []Violation {
	var out []Violation
	for _, f := range findings {
		at := s.Fset.Position(f.Pos)
		out = append(out, Violation{fmt.Sprintf("%s:%d", at.Filename, at.Line), f.What, why})
	}
	return out
}

// Parse reads files, which are named relative to root. One that cannot be read
// does not hide the others: the error joins what was wrong with each.
func Parse(root string, names []string) (Sources, error) {
	s := Sources{Fset: token.NewFileSet()}
	var errs []error
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		file, err := parser.ParseFile(s.Fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.Files = append(s.Files, file)
	}
	return s, errors.Join(errs...)
}

// each collects what f finds in the nodes of all files.
func each(s Sources, f func(file *ast.File, n ast.Node) (string, bool)) []Finding {
	var found []Finding
	for _, file := range s.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			if n == nil {
				return false
			}
			if what, ok := f(file, n); ok {
				found = append(found, Finding{n.Pos(), what})
			}
			return true
		})
	}
	return found
}

// calls finds uses of functions of an imported package, also under another name.
func calls(importPath string, names ...string) func(Sources) []Finding {
	return func(s Sources) []Finding {
		return each(s, func(file *ast.File, n ast.Node) (string, bool) {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains(names, sel.Sel.Name) {
				return "", false
			}
			base, ok := sel.X.(*ast.Ident)
			return importPath + "." + sel.Sel.Name, ok && base.Name == nameOf(file, importPath)
		})
	}
}

// nameOf is the name that a file gives to an import, or empty.
func nameOf(file *ast.File, importPath string) string {
	for _, i := range file.Imports {
		if i.Path.Value != `"`+importPath+`"` {
			continue
		}
		if i.Name != nil {
			return i.Name.Name
		}
		return filepath.Base(importPath)
	}
	return ""
}

// methodCalls finds calls of methods of whatever is called by that name.
func methodCalls(receiver string, names ...string) func(Sources) []Finding {
	return func(s Sources) []Finding {
		return each(s, func(_ *ast.File, n ast.Node) (string, bool) {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return "", false
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains(names, sel.Sel.Name) {
				return "", false
			}
			base, ok := sel.X.(*ast.Ident)
			return receiver + "." + sel.Sel.Name, ok && base.Name == receiver
		})
	}
}

func either(finders ...func(Sources) []Finding) func(Sources) []Finding {
	return func(s Sources) []Finding {
		var found []Finding
		for _, f := range finders {
			found = append(found, f(s)...)
		}
		return found
	}
}

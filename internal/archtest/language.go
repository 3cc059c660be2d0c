package archtest

import (
	"go/ast"
	"go/token"
)

// Unused finds what a package exports and its users do not use. A function, a constant and
// a variable have to be selected by a user; a method too, or by another part of the package
// on behalf of a user; a type has to be named by a user, or by another exported declaration
// of the package.
func Unused(library Sources, users []Sources) []Finding {
	selected, inside := map[string]bool{}, map[string]bool{}
	for _, u := range users {
		selections(u, selected)
	}
	selections(library, inside)
	var found []Finding
	report := func(id *ast.Ident, used bool) {
		if id.IsExported() && !used {
			found = append(found, Finding{id.Pos(), id.Name + " is exported, and nothing uses it"})
		}
	}
	for _, file := range library.Files {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				report(d.Name, selected[d.Name.Name] || d.Recv != nil && inside[d.Name.Name])
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					unusedSpec(spec, library, report, selected, inside)
				}
			}
		}
	}
	return found
}

func unusedSpec(spec ast.Spec, library Sources, report func(*ast.Ident, bool), selected, inside map[string]bool) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			report(name, selected[name.Name])
		}
	case *ast.TypeSpec:
		report(spec.Name, selected[spec.Name.Name] || mentions(library, spec.Name) > 0)
		if methods, ok := spec.Type.(*ast.InterfaceType); ok {
			for _, m := range methods.Methods.List {
				for _, name := range m.Names {
					report(name, selected[name.Name] || inside[name.Name])
				}
			}
		}
	}
}

// selections adds the names that stand after a dot.
func selections(s Sources, names map[string]bool) {
	for _, file := range s.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				names[sel.Sel.Name] = true
			}
			return true
		})
	}
}

// mentions counts the uses of a type in a package, without the declaration itself and
// without receivers of methods.
func mentions(s Sources, declared *ast.Ident) int {
	receivers := map[token.Pos]bool{}
	n := 0
	for _, file := range s.Files {
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.FuncDecl:
				if node.Recv != nil {
					ast.Inspect(node.Recv, func(r ast.Node) bool {
						if id, ok := r.(*ast.Ident); ok {
							receivers[id.Pos()] = true
						}
						return true
					})
				}
			case *ast.Ident:
				if node.Name == declared.Name && node.Pos() != declared.Pos() && !receivers[node.Pos()] {
					n++
				}
			}
			return true
		})
	}
	return n
}

package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// packageState finds variables of a package that are state: those that begin as
// nothing and wait for a value, those of a kind that is there to change, and those
// that some function of the package changes. Embedded files have no value in the
// source and are no state.
func packageState(s Sources) []Finding {
	vars := packageVars(s)
	var found []Finding
	for _, v := range vars {
		switch {
		case v.value == nil && !v.embedded:
			found = append(found, Finding{v.name.Pos(), "var " + v.name.Name + " has no value yet"})
		case changeable(v):
			found = append(found, Finding{v.name.Pos(), "var " + v.name.Name + " is of a kind that is there to change"})
		}
	}
	for _, file := range s.Files {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				found = append(found, changes(f, vars)...)
			}
		}
	}
	return found
}

// packageVar is one variable declared outside of functions.
type packageVar struct {
	name     *ast.Ident
	kind     ast.Expr // its type, where that is written
	value    ast.Expr // what it begins with, or nil
	embedded bool
}

func packageVars(s Sources) map[string]packageVar {
	vars := map[string]packageVar{}
	for _, file := range s.Files {
		for _, d := range file.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, spec := range gen.Specs {
				declare(vars, gen, spec.(*ast.ValueSpec))
			}
		}
	}
	return vars
}

func declare(vars map[string]packageVar, gen *ast.GenDecl, spec *ast.ValueSpec) {
	embedded := hasEmbed(gen.Doc) || hasEmbed(spec.Doc)
	for i, name := range spec.Names {
		if name.Name == "_" {
			continue // a check by the compiler
		}
		v := packageVar{name: name, kind: spec.Type, embedded: embedded}
		if len(spec.Values) > 0 {
			v.value = spec.Values[min(i, len(spec.Values)-1)]
		}
		vars[name.Name] = v
	}
}

func hasEmbed(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

// changeable tells what nobody makes to leave it alone: locks, atomics, pools,
// channels, flags, and what new and make give.
func changeable(v packageVar) bool {
	found := false
	look := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false // what happens in a function is its own business
		case *ast.ChanType:
			found = true
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.Ident)
			found = found || ok && (f.Name == "make" || f.Name == "new")
		case *ast.SelectorExpr:
			base, ok := n.X.(*ast.Ident)
			found = found || ok && slices.Contains([]string{"sync", "atomic", "flag", "pflag"}, base.Name)
		}
		return true
	}
	if v.kind != nil {
		ast.Inspect(v.kind, look)
	}
	if v.value != nil {
		ast.Inspect(v.value, look)
	}
	return found
}

// changes finds where a function changes a variable of its package, or gives its
// address away. A name that the function declares itself is another variable.
func changes(f *ast.FuncDecl, vars map[string]packageVar) []Finding {
	locals := declaredIn(f)
	var found []Finding
	hit := func(e ast.Expr, how string) {
		if name := rootOf(e); name != nil && !locals[name.Name] {
			if _, ok := vars[name.Name]; ok {
				found = append(found, Finding{e.Pos(), how + " var " + name.Name})
			}
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, left := range n.Lhs {
					hit(left, "assigns to")
				}
			}
		case *ast.IncDecStmt:
			hit(n.X, "counts in")
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				hit(n.X, "takes the address of")
			}
		case *ast.CallExpr:
			if b, ok := n.Fun.(*ast.Ident); ok && (b.Name == "delete" || b.Name == "clear") && len(n.Args) > 0 {
				hit(n.Args[0], "empties")
			}
		}
		return true
	})
	return found
}

// rootOf is the variable that an expression is a part of: x of x.y[i].
func rootOf(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// declaredIn lists the names that a function declares: parameters, results and
// everything inside.
func declaredIn(f *ast.FuncDecl) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				names[name.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				declareAll(names, n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				declareAll(names, n.Key, n.Value)
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				names[name.Name] = true
			}
		}
		return true
	})
	return names
}

func declareAll(names map[string]bool, all ...ast.Expr) {
	for _, e := range all {
		if id, ok := e.(*ast.Ident); ok {
			names[id.Name] = true
		}
	}
}

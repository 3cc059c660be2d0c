package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// Violation is a place where a rule is broken.
type Violation struct {
	Where string // package, or file and line
	What  string
	Why   string
}

func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Where, v.What, v.Why) }

// ImportRule says which imports packages may not have. Patterns are import paths;
// "/..." at the end means the package and all below it. Paths of the module begin
// with "./".
type ImportRule struct {
	In     []string // packages that the rule is about
	Except []string // and of these, those that it is not about
	Forbid []string // imports that are forbidden
	// Allow, where not nil, forbids every import of the module, and every other one
	// outside the standard library, that is not listed.
	Allow []string
	// Tests makes the rule hold for tests too.
	Tests bool
	Why   string
}

// Check returns what breaks the rule. A rule that is about no package at all is
// broken itself: a folder was moved and the rule forgotten.
func (r ImportRule) Check(pkgs []Package) []Violation {
	var found []Violation
	about := 0
	for _, p := range pkgs {
		if !matchAny(r.In, p.Path) || matchAny(r.Except, p.Path) {
			continue
		}
		about++
		imports := p.Imports
		if r.Tests {
			imports = slices.Concat(p.Imports, p.TestImports)
		}
		for _, i := range imports {
			if r.forbids(i) {
				found = append(found, Violation{p.Path, "imports " + i, r.Why})
			}
		}
	}
	if about == 0 {
		found = append(found, Violation{strings.Join(r.In, ", "), "no such package", "a rule about nothing holds nothing"})
	}
	return found
}

func (r ImportRule) forbids(importPath string) bool {
	if matchAny(r.Forbid, importPath) {
		return true
	}
	return r.Allow != nil && !standard(importPath) && !matchAny(r.Allow, importPath)
}

// standard tells the standard library: the first part of its paths has no dot.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

func matchAny(patterns []string, importPath string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, importPath) })
}

func match(pattern, importPath string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return base == "." && strings.HasPrefix(importPath, ours) || importPath == base || strings.HasPrefix(importPath, base+"/")
	}
	return pattern == importPath
}

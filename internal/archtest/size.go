package archtest

import (
	"fmt"
	"go/ast"
	"slices"
)

// Short functions and files of one idea can be read without scrolling. The first line is what
// is aimed at, the second what fails.
const (
	aimMedian, aimP90, aimFile = 12, 35, 300
	maxFunction, maxFile       = 60, 400
)

// Sized is a function or a file and its length in lines.
type Sized struct {
	Name  string
	Lines int
}

func (s Sized) String() string { return fmt.Sprintf("%s (%d lines)", s.Name, s.Lines) }

// Sizes measures files and the functions in them. A function's length is that of
// what stands between its braces.
func Sizes(s Sources) (functions, files []Sized) {
	for _, file := range s.Files {
		at := s.Fset.Position(file.FileStart)
		files = append(files, Sized{at.Filename, s.Fset.Position(file.FileEnd).Line})
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			begin, end := s.Fset.Position(f.Body.Lbrace), s.Fset.Position(f.Body.Rbrace)
			functions = append(functions, Sized{fmt.Sprintf("%s:%d %s", begin.Filename, begin.Line, f.Name.Name), max(1, end.Line-begin.Line-1)})
		}
	}
	return functions, files
}

// TooLong returns what is longer than most.
func TooLong(all []Sized, most int) []Sized {
	var out []Sized
	for _, s := range all {
		if s.Lines > most {
			out = append(out, s)
		}
	}
	return out
}

// Quantile returns the length that a share q of all does not exceed, 0 for none.
func Quantile(all []Sized, q float64) int {
	if len(all) == 0 {
		return 0
	}
	lines := make([]int, len(all))
	for i, s := range all {
		lines[i] = s.Lines
	}
	slices.Sort(lines)
	return lines[min(len(lines)-1, int(q*float64(len(lines))))]
}

package scaffold

import (
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"strings"
)

// register adds the suite's lines to the catalogue and to the index of the specification,
// among the files that are to be written.
func (s suite) register(root string, files map[string][]byte) error {
	text, err := read(root, catalogue)
	if err != nil {
		return err
	}
	text, imported := after(text, `"meshgate/suites/`, fmt.Sprintf("\t%s \"meshgate/suites/%s\"\n", s.Package, s.Name))
	text, listed := after(text, ".Suite(),\n", fmt.Sprintf("\t\t%s.Suite(),\n", s.Package))
	if !imported || !listed {
		return fmt.Errorf("%s: want imports of suites and a list of them, got neither: add suite %s by hand", catalogue, s.Name)
	}
	formatted, err := format.Source([]byte(text))
	if err != nil {
		return fmt.Errorf("%s: %w", catalogue, err)
	}
	files[catalogue] = formatted

	if text, err = read(root, index); err != nil {
		return err
	}
	text, ok := after(text, "| [", fmt.Sprintf("| [%s](%s.md) | What a route matches is served by the application, and nothing else is. |\n", s.Name, s.Name))
	if !ok {
		return fmt.Errorf("%s: want a table of suites, got none", index)
	}
	files[index] = []byte(text)
	return nil
}

// read reads a file of the checkout.
func read(root, file string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		return "", fmt.Errorf("the folder is no checkout of meshgate: %w: run this inside one", err)
	}
	return string(text), nil
}

// after inserts a line behind the last line that contains the mark.
func after(text, mark, line string) (string, bool) {
	at := strings.LastIndex(text, mark)
	if at < 0 {
		return text, false
	}
	if !strings.HasSuffix(mark, "\n") {
		at += strings.Index(text[at:], "\n") + 1
	} else {
		at += len(mark)
	}
	return text[:at] + line + text[at:], true
}

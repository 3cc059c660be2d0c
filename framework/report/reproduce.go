package report

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"meshgate/framework/shell"
)

// Reproduce is the command that asks the same again, quoted for a POSIX shell. The
// binaries of `go test` are gone when it ends, so for one of them it is the `go test`
// that builds it anew. What the environment or a file had set is in Config.
func (r Run) Reproduce() string {
	words := r.Command
	if len(words) > 0 && strings.HasSuffix(words[0], ".test") {
		words = r.goTest()
	}
	return shell.Join(words...)
}

// goTest is the command line of `go test` for those packages whose suites are here.
func (r Run) goTest() []string {
	var flags, args, packages []string
	for _, word := range r.Command[1:] {
		name, ours := strings.CutPrefix(word, "-test.")
		before, _, _ := strings.Cut(name, "=")
		switch {
		case !ours:
			args = append(args, word)
		case slices.Contains([]string{"run", "skip", "timeout", "parallel"}, before):
			flags = append(flags, "-"+name)
		}
	}
	for _, s := range r.Suites {
		packages = append(packages, "./"+path.Join("suites", s.Name))
	}
	if len(packages) == 0 {
		packages = []string{"./" + path.Join("suites", strings.TrimSuffix(filepath.Base(r.Command[0]), ".test"))}
	}
	out := slices.Concat([]string{"go", "test", "-count=1"}, flags, packages)
	if len(args) > 0 {
		out = append(append(out, "-args"), args...)
	}
	return out
}

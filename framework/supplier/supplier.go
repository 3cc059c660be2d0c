// Package supplier runs meshgate-bundle, the program of the module meshgate/supply.
// That program builds components of the bundle from source, and installs a container
// engine: meshgate itself knows neither recipes nor how an engine is installed. It
// runs as a process of its own, tells what it does as lines of JSON, and ends when
// meshgate's context ends or meshgate itself does.
package supplier

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// ProgramName is the file name of the program.
const ProgramName = "meshgate-bundle"

// ErrNoProgram says that meshgate-bundle was not found. The error that wraps it says
// where it was looked for, and which command makes it.
var ErrNoProgram = errors.New("no " + ProgramName)

// Program is meshgate-bundle, found. Its zero value is one that was not found: whatever
// is asked of it fails with ErrNoProgram.
type Program struct {
	// Path is its file; empty when it was not found.
	Path string
	// looked says where it was looked for.
	looked string
}

// Find looks for meshgate-bundle beside the running program, then in the folder bin of
// the checkout that the working folder lies in (`go test` runs its programs elsewhere),
// then in PATH.
func Find() Program {
	var looked []string
	if self, err := os.Executable(); err == nil {
		looked = append(looked, filepath.Join(filepath.Dir(self), ProgramName))
	}
	if checkout, ok := findCheckout(); ok {
		looked = append(looked, filepath.Join(checkout, "bin", ProgramName))
	}
	return find(looked)
}

func find(files []string) Program {
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return Program{Path: file}
		}
	}
	if path, err := exec.LookPath(ProgramName); err == nil {
		return Program{Path: path}
	}
	return Program{looked: fmt.Sprintf("looked at %s, and in PATH", strings.Join(files, ", "))}
}

// missing is the error of a program that was not found and would have got args.
func (p Program) missing(args ...string) error {
	return fmt.Errorf("%w found (%s) to run `%s%s` with: `make build` in a checkout of meshgate makes it",
		ErrNoProgram, p.looked, ProgramName, joined(args))
}

func joined(args []string) string { return " " + strings.Join(args, " ") }

// declares matches the go.mod of meshgate's own module.
var declares = regexp.MustCompile(`(?m)^module[ \t]+meshgate[ \t]*\r?$`)

// findCheckout goes upwards from the working folder to the go.mod of meshgate.
func findCheckout() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for ; ; dir = filepath.Dir(dir) {
		raw, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && declares.Match(raw) {
			return dir, true
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

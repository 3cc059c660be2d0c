package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"meshgate/internal/scaffold"

	"github.com/spf13/cobra"
)

func (a *app) newSuite() *cobra.Command {
	return &cobra.Command{
		Use:   "new-suite NAME",
		Short: "Write a new suite into the checkout, for its author to change",
		Long: `Writes a suite with one feature that compiles, runs green and is turned red by each of
its sabotages: suites/NAME, fixtures/NAME, docs/spec/NAME.md, and the suite's lines in
suites/suites.go and docs/spec/README.md. Nothing that is there is overwritten.
CONTRIBUTING.md says how to go on.`,
		Args: between(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			root, err := checkout()
			if err != nil {
				return &commandError{err.Error()}
			}
			written, err := scaffold.Write(root, args[0])
			if err != nil {
				return &commandError{err.Error()}
			}
			fmt.Fprintf(c.OutOrStdout(), "wrote:\n  %s\nnext: make generate; make unit; bin/meshgate up; go test ./suites/%s\n", strings.Join(written, "\n  "), args[0])
			return nil
		},
	}
}

// checkout is the folder of meshgate's go.mod, at or above the working directory.
func checkout() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := at; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module meshgate\n") {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is in no checkout of meshgate: run this inside one", at)
		}
	}
}

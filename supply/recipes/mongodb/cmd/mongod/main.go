// Command mongod stands in for the official MongoDB image: it takes the arguments
// and the environment that fixtures give to that image, and becomes FerretDB with
// what they mean. What it cannot keep it refuses, so that nothing passes here that
// the official image would do otherwise.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

func main() {
	// Exec returns only if it fails.
	if err := run(os.Args[1:], os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, "mongod:", err)
		os.Exit(2)
	}
}

func run(args, env []string) error {
	if err := stepDown(); err != nil {
		return err
	}
	s, err := parse(args)
	if err != nil {
		return err
	}
	root, err := rootOf(env)
	if err != nil {
		return err
	}
	if err := s.check(root); err != nil {
		return err
	}
	program, err := beside("ferretdb")
	if err != nil {
		return err
	}
	argv := append([]string{program}, s.arguments(root)...)
	if err := syscall.Exec(program, argv, environment(env, root)); err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	return nil
}

// beside is the path of another program in the folder of this one.
func beside(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(self), name), nil
}

package main

import (
	"path/filepath"
	"strings"
)

// spec is a JSON file that runc is about to read.
type spec struct {
	path string
	// process is true where the file is a bare process (runc exec --process),
	// false where it is a whole bundle configuration.
	process bool
}

// specPaths finds the files that a runc command line makes it read. Commands
// that start nothing name none.
func specPaths(args []string) []spec {
	command, rest := split(args)
	switch command {
	case "create", "run", "restore":
		dir := option(rest, "--bundle", "-b")
		if dir == "" {
			dir = "."
		}
		return []spec{{path: filepath.Join(dir, "config.json")}}
	case "exec":
		if file := option(rest, "--process", "-p"); file != "" {
			return []spec{{path: file, process: true}}
		}
	}
	return nil
}

// valued are runc's global options that take their value from the next argument.
var valued = map[string]bool{
	"--log": true, "--log-format": true, "--root": true, "--criu": true, "--rootless": true,
}

// split separates runc's global options from its command.
func split(args []string) (command string, rest []string) {
	for i := 0; i < len(args); i++ {
		if !strings.HasPrefix(args[i], "-") {
			return args[i], args[i+1:]
		}
		if valued[args[i]] {
			i++
		}
	}
	return "", nil
}

// option returns the value of the first of the names, written "--x v" or "--x=v".
func option(args []string, names ...string) string {
	for i, a := range args {
		for _, n := range names {
			if a == n && i+1 < len(args) {
				return args[i+1]
			}
			if v, ok := strings.CutPrefix(a, n+"="); ok {
				return v
			}
		}
	}
	return ""
}

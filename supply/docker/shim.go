package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"meshgate/framework/cluster/engine"
)

// shimName is the name of the shim's program and of its folder in cmd.
const shimName = "runc-shim"

// placeShim puts the shim's program at path: the one that lies beside our own
// program, else one built from the checkout that we run in.
func placeShim(ctx context.Context, run engine.Runner, path string) error {
	if executable(path) {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own program: %w", err)
	}
	beside := filepath.Join(filepath.Dir(self), shimName)
	if executable(beside) {
		return copyProgram(beside, path)
	}
	module, err := checkout()
	if err != nil {
		return fmt.Errorf("runtime shim: no %s beside %s, and %w; build it with `go build -C supply -o %s ./cmd/runc-shim` in a checkout", shimName, self, err, path)
	}
	return buildShim(ctx, run, module, path)
}

func copyProgram(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("install the runtime shim: %w", err)
	}
	if err := writeFile(to, content, 0o755); err != nil {
		return fmt.Errorf("install the runtime shim: %w", err)
	}
	return nil
}

func buildShim(ctx context.Context, run engine.Runner, module, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("install the runtime shim: %w", err)
	}
	_, err := run.Run(ctx, engine.Call{
		Name: "go", Env: []string{"CGO_ENABLED=0"},
		Args: []string{"build", "-C", filepath.Join(module, "supply"), "-trimpath", "-ldflags=-s -w", "-o", path, "./cmd/" + shimName},
	})
	if err != nil {
		return fmt.Errorf("build the runtime shim: %w", err)
	}
	return nil
}

// checkout walks up from the working folder to meshgate's own go.mod.
func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("no working folder: %w", err)
	}
	for ; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module meshgate\n") {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the working folder is in no meshgate checkout")
		}
	}
}

func executable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

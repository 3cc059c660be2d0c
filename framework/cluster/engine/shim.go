package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"meshgate/framework/machine"
)

const (
	// ShimPath is where the runtime shim is installed.
	ShimPath = "/usr/local/lib/meshgate/runc-shim"
	shimName = "runc-shim"
)

// NeedsShim says that this engine would fail to start a privileged container
// here: Docker before 23 asks for every capability it knows, not for those that
// the host can give.
func (e *Engine) NeedsShim(h machine.Facts) bool {
	return e.Kind == Docker && len(h.Missing()) > 0 && e.DefaultRuntime != RuntimeName && major(e.Version) < 23
}

// major is 0 for a version that does not begin with a number.
func major(version string) int {
	first, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

// placeShim puts the shim's program at path: the one that lies beside our own
// program, else one built from the checkout that we run in.
func placeShim(ctx context.Context, run Runner, path string) error {
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
		return fmt.Errorf("runtime shim: no %s beside %s, and %w; build it with `go build -o %s ./cmd/runc-shim` in a checkout", shimName, self, err, path)
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

func buildShim(ctx context.Context, run Runner, module, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("install the runtime shim: %w", err)
	}
	_, err := run.Run(ctx, Call{
		Name: "go", Env: []string{"CGO_ENABLED=0"},
		Args: []string{"build", "-C", module, "-trimpath", "-ldflags=-s -w", "-o", path, "./cmd/" + shimName},
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

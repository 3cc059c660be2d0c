// Package engine finds the container engine in which kind runs its nodes, and says
// why none can be used. It changes nothing on the machine: package docker of the
// module meshgate/supply installs and starts one.
package engine

import (
	"context"
	"fmt"
	"path/filepath"
)

// Kind names an engine as the configuration spells it.
type Kind string

// The engines that kind's library can drive.
const (
	Auto    Kind = "auto"
	Docker  Kind = "docker"
	Podman  Kind = "podman"
	Nerdctl Kind = "nerdctl"
)

// Kinds are the engines in the order in which Auto tries them.
func Kinds() []Kind { return []Kind{Docker, Podman, Nerdctl} }

// Engine is a container engine that answered. Its methods run its command.
type Engine struct {
	Kind Kind
	// Binary is the path of the command whose API answered: with several clients
	// in PATH it need not be the first.
	Binary string
	// Version is the engine's, not the client's.
	Version string
	// CgroupVersion is what its containers see: 1 or 2.
	CgroupVersion int
	// Root is the folder of its data; "" where the engine is not on this machine.
	Root string
	// DefaultRuntime is the name of its default OCI runtime.
	DefaultRuntime string
	// Rootless says that it runs without root.
	Rootless bool

	run Runner
}

// Run runs the engine's command and returns what it wrote.
func (e *Engine) Run(ctx context.Context, args ...string) ([]byte, error) {
	return e.run.Run(ctx, Call{Name: e.Binary, Args: args})
}

// Call runs the engine's command with streams; c.Name is ignored.
func (e *Engine) Call(ctx context.Context, c Call) ([]byte, error) {
	c.Name = e.Binary
	return e.run.Run(ctx, c)
}

// Dir is the folder of its command. Whatever looks for the command by name must
// find this folder first in PATH.
func (e *Engine) Dir() string { return filepath.Dir(e.Binary) }

func (e *Engine) String() string {
	return fmt.Sprintf("%s %s (%s)", e.Kind, e.Version, e.Binary)
}

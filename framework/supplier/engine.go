package supplier

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/progress"
)

// EnsureEngine makes sure that the container engine that want names can be used. Where
// it cannot, and this process runs as root, meshgate-bundle starts one; with install it
// may also install one, and the runtime shim. Without root the error carries the
// commands that a person types.
func (p Program) EnsureEngine(ctx context.Context, runner engine.Runner, want engine.Kind, install bool, log progress.Phase) error {
	_, repair, unusable := engine.Check(ctx, runner, want)
	if !repair {
		return unusable
	}
	args := []string{EngineCommand, EngineFlag, string(cmp.Or(want, engine.Auto))}
	if install {
		args = append(args, InstallFlag)
	}
	_, err := p.run(ctx, log, args...)
	if errors.Is(err, ErrNoProgram) && unusable != nil {
		return fmt.Errorf("%w; %w", unusable, err)
	}
	return err
}

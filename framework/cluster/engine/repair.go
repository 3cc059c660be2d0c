package engine

import (
	"context"
	"errors"

	"meshgate/framework/machine"
)

// Check looks for the engine that want names and decides whether the machine has to
// be changed before it can be used. repair is true if no engine answers, or one that
// needs the runtime shim, and this process may change that: it runs as root, and
// Docker is wanted, which is the engine that meshgate installs. The error is Detect's
// where no engine answers.
func Check(ctx context.Context, run Runner, want Kind) (e *Engine, repair bool, err error) {
	h, err := machine.Inspect()
	if err != nil {
		return nil, false, err
	}
	e, err = Detect(ctx, run, want)
	if err == nil {
		return e, h.Root && e.NeedsShim(h), nil
	}
	var unusable *UnusableError
	return nil, errors.As(err, &unusable) && h.Root && installs(want), err
}

// installs says that want is the engine that meshgate knows how to install and start.
func installs(want Kind) bool { return want == Auto || want == "" || want == Docker }

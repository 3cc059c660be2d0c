package suite

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"meshgate/framework/expect"
	"meshgate/framework/report"
)

// Broken marks an error as one of the surroundings (API server, agent, a fixture of
// ours) and not of the mesh: the feature ends in "error", never in "fail".
func Broken(err error) error {
	if err == nil {
		return nil
	}
	return &broken{err}
}

type broken struct{ cause error }

func (b *broken) Error() string { return b.cause.Error() }
func (b *broken) Unwrap() error { return b.cause }

// statusOf tells what a step's error says about the mesh. Only what an expectation
// saw to be different is held against it.
func statusOf(err error) report.Status {
	var mismatch *expect.Mismatch
	var b *broken
	switch {
	case err == nil:
		return report.Pass
	case errors.As(err, &b), errors.Is(err, context.Canceled):
		return report.Error
	case errors.As(err, &mismatch):
		return report.Fail
	default:
		return report.Error
	}
}

// afterTheEnd keeps what a step says after the run was told to end from being held
// against the mesh: what was still converging looks as if it was wrong.
func afterTheEnd(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	return Broken(err)
}

// panicked is the error of a step that panicked.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// guarded turns a panic into an error: package testing would end the process with
// everything that this feature and all others have made still standing.
func guarded(run func() (result, error)) (res result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Broken(&panicked{p, debug.Stack()})
		}
	}()
	return run()
}

func failureOf(err error, seen any) *report.Failure {
	if err == nil {
		return nil
	}
	f := &report.Failure{Message: err.Error(), Observation: observationJSON(seen)}
	for _, m := range expect.Mismatches(err) {
		f.Mismatches = append(f.Mismatches, report.Mismatch{Field: m.Field, Want: m.Want, Got: m.Got})
	}
	return f
}

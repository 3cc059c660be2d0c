package runner

import (
	"context"
	"errors"
	"fmt"
	"meshgate/framework/suite"
	"runtime/debug"

	"meshgate/framework/expect"
	"meshgate/framework/report"
)

// statusOf tells what a step's error says about the mesh. Only what an expectation
// saw to be different is held against it.
func statusOf(err error) report.Status {
	var mismatch *expect.Mismatch
	switch {
	case err == nil:
		return report.Pass
	case expect.IsInfrastructure(err), errors.Is(err, context.Canceled):
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
	return suite.Infrastructure(err)
}

// panicked is the error of a step that panicked.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// guarded turns a panic into an error: package testing would end the process with
// everything that this feature and all others have made still standing.
func guarded(run func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = suite.Infrastructure(&panicked{p, debug.Stack()})
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
		f.Mismatches = append(f.Mismatches, report.Mismatch{Field: string(m.Field), Want: m.Want, Got: m.Got})
	}
	return f
}

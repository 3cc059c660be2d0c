package runner

import (
	"context"

	"meshgate/framework/expect"
	"meshgate/framework/suite"
)

// inside hands a test's function the environment itself.
func inside(f func(context.Context, *environment) error) func(context.Context, suite.Env) error {
	return func(ctx context.Context, e suite.Env) error { return f(ctx, e.(*environment)) }
}

// that is a condition by which a step can fail with the field status.
func that(f func(context.Context, *environment) error) suite.Condition {
	return suite.That(inside(f), expect.FieldStatus)
}

func holds(name string, f func(context.Context, *environment) error) suite.Step {
	return suite.Now(name, that(f))
}

func does(name string, f func(context.Context, *environment) error) suite.Step {
	return suite.Do(name, suite.Func(inside(f)))
}

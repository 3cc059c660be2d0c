package suite

import (
	"context"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
)

// Action is what a step or a sabotage does. The functions of this file make actions.
type Action struct {
	// Run does it. An error is an infrastructure error, except for the mismatches that it
	// wraps.
	Run func(context.Context, Env) error
	// Edits are the changes of objects that Run will make, as far as they are known
	// before: the runner checks their paths without a cluster.
	Edits []manifest.Edit
}

// Func is an action that the suite writes itself.
func Func(run func(context.Context, Env) error) Action { return Action{Run: run} }

// Apply applies more objects.
func Apply(setups ...Setup) Action {
	return Func(func(ctx context.Context, e Env) error { return e.Apply(ctx, setups...) })
}

// Delete deletes an object that the feature has made, and waits until it is gone.
func Delete(kind, name string) Action {
	return Func(func(ctx context.Context, e Env) error { return e.Delete(ctx, kind, name) })
}

// Edit changes objects that the feature has made, and applies them again.
func Edit(edits ...manifest.Edit) Action {
	return Action{Edits: edits, Run: func(ctx context.Context, e Env) error {
		for _, edit := range edits {
			if err := e.Edit(ctx, edit); err != nil {
				return err
			}
		}
		return nil
	}}
}

// Set is Edit of one field; the path is that of manifest.SetField.
func Set(kind, name string, value any, path ...string) Action {
	return Edit(manifest.SetField(kind, name, value, path...))
}

// Sequence does one action after another.
func Sequence(actions ...Action) Action {
	var edits []manifest.Edit
	for _, a := range actions {
		edits = append(edits, a.Edits...)
	}
	return Action{Edits: edits, Run: func(ctx context.Context, e Env) error {
		for _, a := range actions {
			if err := a.Run(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}}
}

// WaitFor waits until a condition is met, before the budget Converged is spent.
func WaitFor(c Condition) Action {
	return Func(func(ctx context.Context, e Env) error {
		return e.Await(ctx, "the action to take effect", func(ctx context.Context) error {
			_, err := c.Look(ctx, e)
			return err
		})
	})
}

// Send makes the request of an exchange once and judges nothing. With As, later steps refer
// to the answer.
func Send(x Exchange) Action {
	return Func(func(ctx context.Context, e Env) error {
		_, err := x.ask(ctx, e)
		return err
	})
}

// AwaitRoutedTo makes the request of an exchange until the log of the client's sidecar says
// that it takes this route, where the client may see no difference. The exchange must have a
// client (From). Lines from before the action do not count.
func AwaitRoutedTo(x Exchange, route expect.LineCheck) Action {
	return Func(func(ctx context.Context, e Env) error {
		began := time.Now()
		return e.Await(ctx, "the sidecar to take the other route", func(ctx context.Context) error {
			if _, err := x.ask(ctx, e); err != nil {
				return err
			}
			return e.Sidecar(x.Client.Namespace, x.Client.Name).Says(ctx, route, expect.StartedAfter(began))
		})
	})
}

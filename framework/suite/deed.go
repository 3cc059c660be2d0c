package suite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/probe"
)

// Deed is what a step or a sabotage does, or a condition that it wants.
type Deed = func(context.Context, *Env) error

// Withdrawn takes an object of the feature away.
func Withdrawn(kind, name string) Deed {
	return func(ctx context.Context, e *Env) error { return e.Withdraw(ctx, kind, name) }
}

// Standing has more stand.
func Standing(givens ...Given) Deed {
	return func(ctx context.Context, e *Env) error { return e.Stand(ctx, givens) }
}

// Set changes a field of what stands; path as in manifest.SetField.
func Set(kind, name string, value any, path ...string) Deed {
	return func(ctx context.Context, e *Env) error {
		return e.Edit(ctx, manifest.SetField(kind, name, value, path...))
	}
}

// After does one thing after another.
func After(deeds ...Deed) Deed {
	return func(ctx context.Context, e *Env) error {
		for _, do := range deeds {
			if err := do(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}
}

// Until waits until a condition holds, before the budget Converged is spent.
func Until(holds Deed) Deed {
	return func(ctx context.Context, e *Env) error {
		return e.Await(ctx, "what was done is in effect", func(ctx context.Context) error { return holds(ctx, e) })
	}
}

// Leads asks from a pod until its sidecar's log says which way the request goes: the client
// may see no difference. Lines of before do not count, for others went that way too.
func Leads(namespace, app string, r func(*Env) probe.Request, way expect.LineCheck) Deed {
	return func(ctx context.Context, e *Env) error {
		began := time.Now()
		return e.Await(ctx, "the sidecar takes the other way", func(ctx context.Context) error {
			e.AskFrom(ctx, namespace, app, r(e))
			return e.Sidecar(namespace, app).Says(ctx, way, expect.StartedAfter(began))
		})
	}
}

// Untrue turns an assertion around: it wants a mismatch.
func Untrue(assertion Deed) Deed {
	return func(ctx context.Context, e *Env) error {
		err := assertion(ctx, e)
		switch {
		case err == nil:
			return errors.New("what is to be untrue still holds")
		case len(expect.Mismatches(err)) == 0:
			return err
		}
		return nil
	}
}

// Configured wants a text in what an Envoy is configured with; part is one of Envoy's
// kinds of resources, such as "dynamic_listeners", or empty for all.
func Configured(by func(*Env) Proxy, part, text string) Deed {
	return func(ctx context.Context, e *Env) error {
		path := "config_dump"
		if part != "" {
			path += "?resource=" + part
		}
		dump, err := by(e).Admin(ctx, path)
		if err == nil && !strings.Contains(dump, text) {
			err = fmt.Errorf("the proxy's configuration has no word of %s", text)
		}
		return err
	}
}

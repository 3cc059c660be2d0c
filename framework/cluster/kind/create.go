package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	kindlib "sigs.k8s.io/kind/pkg/cluster"
	kindexec "sigs.k8s.io/kind/pkg/exec"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/wait"
)

// removalLimit bounds the cleanup after an interruption.
const removalLimit = time.Minute

// library opens kind's provider for an engine.
func library(e *engine.Engine, l *logger) *kindlib.Provider {
	option := kindlib.ProviderWithDocker()
	switch e.Kind {
	case engine.Podman:
		option = kindlib.ProviderWithPodman()
	case engine.Nerdctl:
		option = kindlib.ProviderWithNerdctl("nerdctl")
	}
	return kindlib.NewProvider(kindlib.ProviderWithLogger(l), option)
}

// environment has the values that kind's library reads only from the environment: the name of
// the network, and in PATH the engine command that it runs.
func environment(p plan) map[string]string {
	return map[string]string{
		"PATH":                             p.engine.Dir() + string(os.PathListSeparator) + os.Getenv("PATH"),
		"KIND_EXPERIMENTAL_DOCKER_NETWORK": p.names.network(),
		"KIND_EXPERIMENTAL_PODMAN_NETWORK": p.names.network(),
	}
}

// setenv sets variables of this process until restore.
func setenv(vars map[string]string) (restore func(), err error) {
	var undo []func() error
	restore = func() {
		for _, f := range undo {
			_ = f()
		}
	}
	for k, v := range vars {
		old, had := os.LookupEnv(k)
		if had {
			undo = append(undo, func() error { return os.Setenv(k, old) })
		} else {
			undo = append(undo, func() error { return os.Unsetenv(k) })
		}
		if err := os.Setenv(k, v); err != nil {
			restore()
			return nil, fmt.Errorf("environment for kind: %w", err)
		}
	}
	return restore, nil
}

// create runs kind's Create to its end. kind takes no context: when ctx ends, create removes
// the nodes, which makes kind fail. It keeps the nodes of a failed creation for the caller,
// who reads their logs and removes them.
func create(ctx context.Context, p plan, l *logger) error {
	restore, err := setenv(environment(p))
	if err != nil {
		return err
	}
	defer restore()
	done := make(chan error, 1)
	go func() {
		done <- library(p.engine, l).Create(p.names.cluster,
			kindlib.CreateWithV1Alpha4Config(p.config()),
			kindlib.CreateWithKubeconfigPath(p.names.kubeconfig()),
			kindlib.CreateWithRetain(true),
			kindlib.CreateWithDisplayUsage(false), kindlib.CreateWithDisplaySalutation(false))
	}()
	select {
	case err := <-done:
		return explain(p.names.cluster, err)
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("create cluster %s: %w", p.names.cluster, context.Cause(ctx)), abandon(ctx, p, done))
	}
}

// abandon removes nodes for as long as kind creates any: one may appear after the first
// removal.
func abandon(ctx context.Context, p plan, done <-chan error) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), removalLimit)
	defer stop()
	_, err := wait.Until(ctx, wait.Deadline{Name: "kind ends its interrupted creation", Within: removalLimit}, poll, func(ctx context.Context) error {
		select {
		case <-done: //nolint:errcheck // how kind ended says nothing: it was told to end
			return nil
		default:
		}
		if err := removeNodes(ctx, p.engine, p.names); err != nil {
			return err
		}
		return errors.New("kind has not ended yet")
	})
	return errors.Join(err, removeNodes(ctx, p.engine, p.names))
}

// outputLength is how much of a failed command's output an error includes.
const outputLength = 3000

// explain adds the output of the command that failed inside kind.
func explain(name string, err error) error {
	if err == nil {
		return nil
	}
	failed := kindexec.RunErrorForError(err)
	if failed == nil {
		return fmt.Errorf("create cluster %s: %w", name, err)
	}
	output := strings.TrimSpace(string(failed.Output))
	if len(output) > outputLength {
		output = "…" + output[len(output)-outputLength:]
	}
	return fmt.Errorf("create cluster %s: %w: %s", name, err, output)
}

// Package docker installs Docker on Debian and Ubuntu, starts it, and puts the runtime
// shim in front of runc where this machine lacks a capability. All of it needs root,
// and every change is told.
package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/lease"
	"meshgate/framework/machine"
	"meshgate/framework/progress"
)

// installLimit bounds the download and installation of the packages.
const installLimit = 5 * time.Minute

// Ensure makes the engine that want names usable. Where none answers and we are
// root, it starts an installed one; with install it also installs one from the
// distribution's packages, and the runtime shim where the host lacks a capability.
// Every change to the machine is told to log. Without root the error carries the
// commands.
func Ensure(ctx context.Context, run engine.Runner, want engine.Kind, install bool, log progress.Phase) error {
	_, repair, err := engine.Check(ctx, run, want)
	if !repair {
		return err
	}
	h, err := machine.Inspect()
	if err != nil {
		return err
	}
	unlock, err := lease.Lock(ctx, setupLock)
	if err != nil {
		return err
	}
	defer unlock()
	m := mechanic{run: run, host: h, log: log, paths: systemPaths()}
	if err := m.ensure(ctx, want, install); err != nil {
		return err
	}
	_, err = engine.Detect(ctx, run, want)
	return err
}

// mechanic changes the machine so that an engine runs on it.
type mechanic struct {
	run   engine.Runner
	host  machine.Facts
	log   progress.Phase
	paths paths
}

// ensure looks again, now that nobody else is at it, and does what is missing.
func (m mechanic) ensure(ctx context.Context, want engine.Kind, install bool) error {
	e, err := engine.Detect(ctx, m.run, want)
	if err == nil {
		if e.NeedsShim(m.host) {
			return m.addShim(ctx)
		}
		return nil
	}
	var unusable *engine.UnusableError
	if !errors.As(err, &unusable) || (unusable.Cause() != engine.Absent && unusable.Cause() != engine.Stopped) {
		return err
	}
	if len(m.run.Find("dockerd")) == 0 {
		if !install || !m.host.Debian() {
			return err
		}
		if err := m.install(ctx); err != nil {
			return err
		}
	}
	return m.start(ctx)
}

// install writes the configuration first: a package may start its service.
func (m mechanic) install(ctx context.Context) error {
	ctx, stop := context.WithTimeoutCause(ctx, installLimit, fmt.Errorf("installing the engine took longer than %s", installLimit))
	defer stop()
	if len(m.host.Missing()) > 0 {
		if err := m.writeShim(ctx); err != nil {
			return err
		}
	}
	m.log.Note("no container engine: installing docker.io with apt-get")
	for _, args := range [][]string{
		{"update", "--quiet"},
		{"install", "--yes", "--quiet", "--no-install-recommends", "docker.io", "iptables", "iproute2"},
	} {
		m.log.Waiting("apt-get " + args[0])
		_, err := m.run.Run(ctx, engine.Call{Name: "apt-get", Args: args, Env: []string{"DEBIAN_FRONTEND=noninteractive"}})
		if err != nil {
			return fmt.Errorf("install a container engine: %w; by hand: %s", err, engine.InstallCommand)
		}
	}
	return nil
}

// writeShim installs the shim and names it in daemon.json.
func (m mechanic) writeShim(ctx context.Context) error {
	if err := placeShim(ctx, m.run, m.paths.shim); err != nil {
		return err
	}
	changed, err := registerShim(m.paths.daemonConfig, m.paths.shim)
	if err != nil {
		return err
	}
	if changed {
		m.log.Note("this host lacks the capabilities %v: %s is now the default runtime in %s", m.host.Missing(), m.paths.shim, m.paths.daemonConfig)
	}
	return nil
}

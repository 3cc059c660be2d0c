package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshgate/framework/lease"
	"meshgate/framework/machine"
	"meshgate/framework/progress"
)

const (
	// InstallCommand is what a person types to get an engine on Debian or Ubuntu.
	InstallCommand = "sudo apt-get update && sudo apt-get install --yes --no-install-recommends docker.io iptables iproute2"
	// StartCommand is what a person types to start it.
	StartCommand = "sudo systemctl start docker"

	// setupLock keeps two processes from installing at the same time.
	setupLock = "/run/meshgate-engine.lock"
	// installLimit bounds the download and installation of the packages.
	installLimit = 5 * time.Minute
)

// Ensure returns a usable engine. Where none answers and we are root, it starts
// an installed one; with install it also installs one from the distribution's
// packages, and the runtime shim where the host lacks a capability. Every change
// to the machine is told to log. Without root the error carries the commands.
func Ensure(ctx context.Context, run Runner, want Kind, install bool, log progress.Phase) (*Engine, error) {
	h, err := machine.Inspect()
	if err != nil {
		return nil, err
	}
	e, err := Detect(ctx, run, want)
	if err == nil && !(h.Root && e.NeedsShim(h)) {
		return e, nil
	}
	var unusable *UnusableError
	if err != nil && (!errors.As(err, &unusable) || !h.Root || !mends(want)) {
		return nil, err
	}
	unlock, lerr := lease.Lock(ctx, setupLock)
	if lerr != nil {
		return nil, lerr
	}
	defer unlock()
	m := mechanic{run: run, host: h, log: log, paths: systemPaths()}
	if err := m.mend(ctx, want, install); err != nil {
		return nil, err
	}
	return Detect(ctx, run, want)
}

// mends says that the engine is the one that we know how to install and start.
func mends(want Kind) bool { return want == Auto || want == "" || want == Docker }

// mechanic changes the machine so that an engine runs on it.
type mechanic struct {
	run   Runner
	host  machine.Facts
	log   progress.Phase
	paths paths
}

// paths are the files of the machine; tests have their own.
type paths struct {
	daemonConfig, shim, pidFile, containerdSocket, log, proc string
}

func systemPaths() paths {
	return paths{
		daemonConfig: DaemonConfig, shim: ShimPath, pidFile: "/var/run/docker.pid",
		containerdSocket: "/run/containerd/containerd.sock", log: "/var/log/meshgate-dockerd.log", proc: "/proc",
	}
}

// mend looks again, now that nobody else is at it, and does what is missing.
func (m mechanic) mend(ctx context.Context, want Kind, install bool) error {
	e, err := Detect(ctx, m.run, want)
	if err == nil {
		if e.NeedsShim(m.host) {
			return m.addShim(ctx)
		}
		return nil
	}
	var unusable *UnusableError
	if !errors.As(err, &unusable) || (unusable.Cause() != Absent && unusable.Cause() != Stopped) {
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
		_, err := m.run.Run(ctx, Call{Name: "apt-get", Args: args, Env: []string{"DEBIAN_FRONTEND=noninteractive"}})
		if err != nil {
			return fmt.Errorf("install a container engine: %w; by hand: %s", err, InstallCommand)
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

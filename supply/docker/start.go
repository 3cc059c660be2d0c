package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/wait"
)

const (
	startLimit = time.Minute
	startPoll  = 200 * time.Millisecond
)

// addShim puts the shim under an engine that runs already. Docker reads its
// runtimes again on SIGHUP: no container is touched.
func (m mechanic) addShim(ctx context.Context) error {
	if err := m.writeShim(ctx); err != nil {
		return err
	}
	pid, alive := m.daemon()
	if !alive {
		return fmt.Errorf("engine: its runtime shim is configured in %s, but its process is not to be found by %s; restart it", m.paths.daemonConfig, m.paths.pidFile)
	}
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		return fmt.Errorf("tell dockerd (process %d) to read %s again: %w", pid, m.paths.daemonConfig, err)
	}
	_, err := wait.Until(ctx, wait.Deadline{Name: "engine uses the runtime shim", Within: startLimit}, startPoll, func(ctx context.Context) error {
		e, err := engine.Detect(ctx, m.run, engine.Docker)
		if err == nil && e.DefaultRuntime != engine.RuntimeName {
			err = fmt.Errorf("default runtime: want %q, got %q", engine.RuntimeName, e.DefaultRuntime)
		}
		return err
	})
	return err
}

// start starts an installed Docker: by systemd where it runs the machine, else
// as a process of its own that outlives us.
func (m mechanic) start(ctx context.Context) error {
	if len(m.host.Missing()) > 0 {
		if err := m.writeShim(ctx); err != nil {
			return err
		}
	}
	if m.host.Systemd {
		m.log.Note("starting the container engine: systemctl start docker")
		if _, err := m.run.Run(ctx, engine.Call{Name: "systemctl", Args: []string{"start", "docker"}}); err != nil {
			return fmt.Errorf("start the engine: %w; see `journalctl -u docker`", err)
		}
		return m.untilAnswers(ctx, nil)
	}
	if err := m.clearStale(); err != nil {
		return err
	}
	gone, err := m.launch()
	if err != nil {
		return err
	}
	return m.untilAnswers(ctx, gone)
}

// launch runs dockerd in a session of its own. The channel gets its end.
func (m mechanic) launch() (<-chan error, error) {
	programs := m.run.Find("dockerd")
	if len(programs) == 0 {
		return nil, errors.New("start the engine: there is no dockerd on this machine; " + engine.InstallCommand)
	}
	if err := os.MkdirAll(filepath.Dir(m.paths.log), 0o755); err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	out, err := os.OpenFile(m.paths.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	defer out.Close() // the daemon has its own descriptor
	cmd := exec.Command(programs[0])
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	m.log.Note("started %s (process %d), which stays running; its log is %s", programs[0], cmd.Process.Pid, m.paths.log)
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	return gone, nil
}

// untilAnswers waits for the API; a daemon that ends meanwhile ends the wait.
func (m mechanic) untilAnswers(ctx context.Context, gone <-chan error) error {
	m.log.Waiting("the engine's API")
	_, err := wait.Until(ctx, wait.Deadline{Name: "container engine answers", Within: startLimit}, startPoll, func(ctx context.Context) error {
		select {
		case err := <-gone:
			return wait.Final(fmt.Errorf("dockerd ended (%v): %s", err, lastLines(m.paths.log)))
		default:
		}
		_, err := engine.Detect(ctx, m.run, engine.Docker)
		return err
	})
	return err
}

// clearStale removes what a daemon that was killed left and what would keep the
// next from starting: a pid file of a process that is no dockerd, and a socket of
// containerd that nobody serves.
func (m mechanic) clearStale() error {
	pid, alive := m.daemon()
	if alive {
		return fmt.Errorf("dockerd runs (process %d, %s) but does not answer; see its log, or end it and run again", pid, m.paths.pidFile)
	}
	stale := []string{}
	if pid != 0 {
		stale = append(stale, m.paths.pidFile)
	}
	if conn, err := net.Dial("unix", m.paths.containerdSocket); err == nil {
		_ = conn.Close()
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		stale = append(stale, m.paths.containerdSocket)
	}
	for _, f := range stale {
		m.log.Note("removing %s, which an engine that was killed left", f)
		if err := os.Remove(f); err != nil {
			return fmt.Errorf("clear away what a killed engine left: %w", err)
		}
	}
	return nil
}

// daemon is the running daemon's process; see engine.Daemon.
func (m mechanic) daemon() (pid int, alive bool) { return engine.Daemon(m.paths.pidFile, m.paths.proc) }

// quoted is how much of the daemon's log an error carries, in bytes.
const quoted = 2000

func lastLines(file string) string {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	last := strings.TrimSpace(string(raw))
	return last[max(0, len(last)-quoted):]
}

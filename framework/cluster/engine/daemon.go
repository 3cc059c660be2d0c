package engine

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// InstallCommand is what a person types to get an engine on Debian or Ubuntu.
	InstallCommand = "sudo apt-get update && sudo apt-get install --yes --no-install-recommends docker.io iptables iproute2"
	// StartCommand is what a person types to start it.
	StartCommand = "sudo systemctl start docker"
	// StopCommand ends a daemon that meshgate started.
	StopCommand = "sudo kill $(cat " + PIDFile + ")"

	// PIDFile is where Docker's daemon writes its process id.
	PIDFile = "/var/run/docker.pid"
	// DaemonLog gets the output of a daemon that meshgate started.
	DaemonLog = "/var/log/meshgate-dockerd.log"
	// Processes is the folder in which the kernel shows its processes.
	Processes = "/proc"
)

// Daemon reads the daemon's pid file. pid is 0 without one; alive says that the
// process is a dockerd, and not another one that got the number since. processes
// is the folder in which the kernel shows them.
func Daemon(pidFile, processes string) (pid int, alive bool) {
	raw, err := os.ReadFile(pidFile)
	if err != nil {
		return 0, false
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil || pid <= 0 {
		return -1, false
	}
	comm, err := os.ReadFile(filepath.Join(processes, strconv.Itoa(pid), "comm"))
	return pid, err == nil && strings.TrimSpace(string(comm)) == "dockerd"
}

// StartedByUs says that the running daemon is one that meshgate started: its
// output goes to our log.
func StartedByUs() bool {
	pid, alive := Daemon(PIDFile, Processes)
	if !alive {
		return false
	}
	out, err := os.Readlink(filepath.Join(Processes, strconv.Itoa(pid), "fd", "1"))
	return err == nil && out == DaemonLog
}

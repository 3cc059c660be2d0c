package kind

import (
	"fmt"
	"strings"
	"sync"

	"sigs.k8s.io/kind/pkg/log"

	"meshgate/framework/progress"
)

// startingControlPlane is the message with which kind announces that kubeadm begins: from
// then on it does not change containerd's configuration any more, so images may be imported.
const startingControlPlane = "Starting control-plane"

// logger turns kind's log into progress. It also keeps the warnings, because kind returns
// success after some of them.
type logger struct {
	phase progress.Phase
	// settled is closed when the nodes run and their containerd is configured.
	settled chan struct{}
	once    sync.Once
}

var (
	_ log.Logger     = (*logger)(nil)
	_ log.InfoLogger = (*logger)(nil)
)

func newLogger(phase progress.Phase) *logger {
	return &logger{phase: phase, settled: make(chan struct{})}
}

// Info receives lines such as " • Preparing nodes 📦  ...".
func (l *logger) Info(message string) {
	step, ok := strings.CutPrefix(strings.TrimSpace(message), "• ")
	if !ok {
		return
	}
	step = strings.TrimRight(step, " .\n")
	l.phase.Waiting("kind: " + step)
	if strings.HasPrefix(step, startingControlPlane) {
		l.once.Do(func() { close(l.settled) })
	}
}

// Infof implements log.InfoLogger.
func (l *logger) Infof(format string, args ...any) { l.Info(fmt.Sprintf(format, args...)) }

// Enabled lets kind skip messages that are not logged.
func (l *logger) Enabled() bool { return true }

// V returns a logger for messages to people and a silent one for the rest.
func (l *logger) V(level log.Level) log.InfoLogger {
	if level > 0 {
		return log.NoopInfoLogger{}
	}
	return l
}

// Warn notes kind's warnings, except those about the deliberately chosen network and about
// the control groups, which are in the facts.
func (l *logger) Warn(message string) {
	for _, known := range []string{"_NETWORK", "Here be dragons", "cgroup v1", "experimental", "Could not read storage manifest"} {
		if strings.Contains(message, known) {
			return
		}
	}
	l.phase.Note("kind warns: %s", strings.TrimSpace(message))
}

// Warnf implements log.Logger.
func (l *logger) Warnf(format string, args ...any) { l.Warn(fmt.Sprintf(format, args...)) }

// Error implements log.Logger.
func (l *logger) Error(message string) { l.phase.Note("kind: %s", strings.TrimSpace(message)) }

// Errorf implements log.Logger.
func (l *logger) Errorf(format string, args ...any) { l.Error(fmt.Sprintf(format, args...)) }

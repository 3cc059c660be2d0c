package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"meshgate/framework/kube"
	"meshgate/framework/report"

	corev1 "k8s.io/api/core/v1"
)

// readLog reads a container's log, and notes that it was read.
func (e *environment) readLog(ctx context.Context, p corev1.Pod, container string, since time.Time) ([]byte, error) {
	e.mu.Lock()
	e.logs[p.Namespace+"/"+p.Name+"/"+container] = p
	e.mu.Unlock()
	return e.kube.Logs(ctx, p.Namespace, p.Name, container, kube.LogOptions{Since: since})
}

// absences are the mismatches of what is not in a log.
var absences = []string{"access-log lines", "control plane log", "server's log"}

// rotated says which of the logs that were read has lost its beginning since the feature
// began, for a failed step which says that something is not in a log: a node keeps so much of
// each, and the API server shows no more than the latest file.
func (e *environment) rotated(ctx context.Context, failed report.Step) error {
	if failed.Failure == nil || len(failed.Failure.Mismatches) == 0 || !slices.Contains(absences, failed.Failure.Mismatches[0].Field) {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, p := range e.logs {
		container := name[strings.LastIndexByte(name, '/')+1:]
		first, err := e.kube.Logs(ctx, p.Namespace, p.Name, container, kube.LogOptions{LimitBytes: 64, Timestamps: true})
		if err != nil {
			return err
		}
		if lost(first, startOf(p, container), e.began) {
			return fmt.Errorf("the log of %s was rotated, and lines may be lost", name)
		}
	}
	return nil
}

// lost tells by the first line of a log, which begins with its time, whether lines since a
// moment may be missing before it.
func lost(first []byte, started, since time.Time) bool {
	stamp, _, _ := strings.Cut(string(first), " ")
	oldest, err := time.Parse(time.RFC3339Nano, stamp)
	return err == nil && oldest.After(since) && started.Before(since)
}

// startOf is when a container of a pod began to run.
func startOf(p corev1.Pod, container string) time.Time {
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if c.Name == container && c.State.Running != nil {
			return c.State.Running.StartedAt.Time
		}
	}
	return time.Time{}
}

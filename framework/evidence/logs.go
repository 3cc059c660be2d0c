package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// maxLog is how many bytes at the end of a log are kept.
	maxLog = 2 << 20
	// maxLines is how many lines at the end of a log are requested: about maxLog of
	// access-log lines.
	maxLines = 8000
)

// pods lists the pods of all namespaces, including terminating ones. An error in one
// namespace does not stop it.
func (s capture) pods(ctx context.Context) ([]corev1.Pod, error) {
	var out []corev1.Pod
	var errs []error
	for _, ns := range s.namespaces {
		list, err := s.Kube.Typed().CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, list.Items...)
	}
	return out, errors.Join(errs...)
}

// logs collects the log of every container that has run and, after a restart, also that of
// its predecessor.
func (s capture) logs(pods []corev1.Pod) []task {
	var out []task
	for _, p := range pods {
		statuses := slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses, p.Status.EphemeralContainerStatuses)
		for _, c := range statuses {
			name := fmt.Sprintf("logs/%s/%s/%s", p.Namespace, p.Name, c.Name)
			if c.State.Waiting == nil || c.RestartCount > 0 {
				out = append(out, s.log(name, p, c.Name, false))
			}
			if c.RestartCount > 0 {
				out = append(out, s.log(name+".previous", p, c.Name, true))
			}
		}
	}
	return out
}

func (s capture) log(name string, p corev1.Pod, container string, previous bool) task {
	return task{name, func(ctx context.Context) error {
		lines := int64(maxLines)
		stream, err := s.Kube.Typed().CoreV1().Pods(p.Namespace).GetLogs(p.Name, &corev1.PodLogOptions{
			Container: container, Previous: previous, TailLines: &lines,
		}).Stream(ctx)
		if err != nil {
			return err
		}
		defer stream.Close()
		kept := tail{max: maxLog}
		_, err = io.Copy(&kept, stream)
		return errors.Join(s.folder.text(name+".log", kept.bytes()), err)
	}}
}

// tail keeps the end of the text that is written to it.
type tail struct {
	max   int
	buf   []byte
	lines int // seen
	lost  int // bytes before those kept
}

func (t *tail) Write(p []byte) (int, error) {
	for _, c := range p {
		if c == '\n' {
			t.lines++
		}
	}
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*t.max { // copying now and then keeps writing linear
		t.cut()
	}
	return len(p), nil
}

func (t *tail) cut() {
	if over := len(t.buf) - t.max; over > 0 {
		t.lost += over
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
}

// bytes are what was kept, with a first line that says what is missing.
func (t *tail) bytes() []byte {
	t.cut()
	switch {
	case t.lost > 0:
		return append(fmt.Appendf(nil, "… %d bytes before this are left out\n", t.lost), t.buf...)
	case t.lines >= maxLines:
		return append(fmt.Appendf(nil, "… lines before these %d, if any, are left out\n", t.lines), t.buf...)
	default:
		return t.buf
	}
}

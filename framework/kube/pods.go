package kube

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
)

// Pods lists the pods of a namespace that match a label selector and are not
// being deleted.
func (c *Client) Pods(ctx context.Context, ns, selector string) ([]corev1.Pod, error) {
	list, err := c.typed.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("pods of %s with %q: %w", ns, selector, err)
	}
	var live []corev1.Pod
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			live = append(live, p)
		}
	}
	return live, nil
}

// Exec runs a command in a container and returns what it wrote. A command that
// exits other than 0 is an error which carries the end of its stderr.
func (c *Client) Exec(ctx context.Context, ns, pod, container string, cmd []string, stdin io.Reader) (stdout, stderr []byte, err error) {
	req := c.typed.CoreV1().RESTClient().Post().Resource("pods").Namespace(ns).Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: container, Command: cmd, Stdin: stdin != nil, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec)
	ex, err := remotecommand.NewSPDYExecutor(c.rest, http.MethodPost, req.URL())
	if err != nil {
		return nil, nil, fmt.Errorf("exec in %s/%s/%s: %w", ns, pod, container, err)
	}
	var out, errOut bytes.Buffer
	err = ex.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: stdin, Stdout: &out, Stderr: &errOut})
	if err != nil {
		err = fmt.Errorf("exec %q in %s/%s/%s: %w: %s", strings.Join(cmd, " "), ns, pod, container, err, tail(errOut.Bytes()))
	}
	return out.Bytes(), errOut.Bytes(), err
}

const tailBytes = 400

func tail(b []byte) string {
	if len(b) > tailBytes {
		b = b[len(b)-tailBytes:]
	}
	return strings.TrimSpace(string(b))
}

// LogOptions narrow what Logs returns; zero values mean everything.
type LogOptions struct {
	Since      time.Time // the cost grows with the lines since then, not with the whole log
	Previous   bool
	LimitBytes int64 // from the beginning of the log
	TailLines  int64
	Timestamps bool // puts the container runtime's timestamp before each line
}

// With Since, fewLines are requested first, and four times as many each time that older
// lines may be missing. From manyLines on the whole log is requested.
const fewLines, manyLines = 500, 50_000

// Logs reads a container's log.
//
// The kubelet leaves out the lines before Since, but it still reads the log from the
// beginning, which takes long for megabytes. It finds the end of a log at once, so Logs
// requests the last lines, each time four times as many, until they certainly reach back to Since:
// when fewer than half of the requested lines come (a very long line counts as several).
func (c *Client) Logs(ctx context.Context, ns, pod, container string, o LogOptions) ([]byte, error) {
	if o.Since.IsZero() || o.TailLines > 0 || o.LimitBytes > 0 {
		return c.logs(ctx, ns, pod, container, o)
	}
	for o.TailLines = fewLines; o.TailLines < manyLines; o.TailLines *= 4 {
		out, err := c.logs(ctx, ns, pod, container, o)
		if err != nil || int64(bytes.Count(out, []byte("\n"))) < o.TailLines/2 {
			return out, err
		}
	}
	o.TailLines = 0
	return c.logs(ctx, ns, pod, container, o)
}

func (c *Client) logs(ctx context.Context, ns, pod, container string, o LogOptions) ([]byte, error) {
	opts := &corev1.PodLogOptions{Container: container, Previous: o.Previous, Timestamps: o.Timestamps}
	if !o.Since.IsZero() {
		opts.SinceTime = &metav1.Time{Time: o.Since}
	}
	if o.LimitBytes > 0 {
		opts.LimitBytes = &o.LimitBytes
	}
	if o.TailLines > 0 {
		opts.TailLines = &o.TailLines
	}
	out, err := c.typed.CoreV1().Pods(ns).GetLogs(pod, opts).DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("log of %s/%s/%s: %w", ns, pod, container, err)
	}
	return out, nil
}

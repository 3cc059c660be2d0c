package kube

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// maxAnswer bounds what is read of an answer: Envoy's statistics are some megabytes.
const maxAnswer = 64 << 20

// Ask makes one HTTP request to a port on a pod's loopback and returns the body of the
// answer, which must be 200. It goes by a forwarded port: nothing of a mesh is on the way,
// and no process has to start in the pod, which on a busy node takes a second.
func (c *Client) Ask(ctx context.Context, ns, pod string, port int, method, path string) ([]byte, error) {
	about := fmt.Sprintf("%s %s of %s/%s:%d", method, path, ns, pod, port)
	local, stop, err := c.Forward(ctx, ns, pod, port)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	defer stop()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+local+path, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy is between us and loopback
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("want status 200, got %d: %.200q", resp.StatusCode, body)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	return body, nil
}

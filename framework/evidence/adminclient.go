package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
)

// adminClient sends requests to a component of Istio on its pod's loopback. It prefers a
// port-forward, which starts no process in the pod whose state is captured and needs no tools
// in the image. Where port-forwarding is not allowed, it executes the component's own
// command.
type adminClient struct {
	base   string // URL of the forwarded port; empty when err says why there is none
	err    error
	close  func()
	client http.Client
	exec   func(ctx context.Context, path string) ([]byte, error)
}

func (s capture) open(ctx context.Context, p corev1.Pod, port int, container, command string) *adminClient {
	l := &adminClient{close: func() {}, client: http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}}
	l.exec = func(ctx context.Context, path string) ([]byte, error) {
		stdout, _, err := s.Kube.Exec(ctx, p.Namespace, p.Name, container, []string{command, "request", "GET", path}, nil)
		return stdout, err
	}
	local, stop, err := s.Kube.Forward(ctx, p.Namespace, p.Name, port)
	if err != nil {
		l.err = err
		return l
	}
	l.base, l.close = "http://"+local, stop
	return l
}

func (l *adminClient) get(ctx context.Context, path string) ([]byte, error) {
	err := l.err
	if l.base != "" {
		var body []byte
		if body, err = l.forwarded(ctx, path); err == nil {
			return body, nil
		}
	}
	if ctx.Err() != nil {
		return nil, err
	}
	body, errExec := l.exec(ctx, path)
	if errExec == nil && len(body) == 0 {
		errExec = errors.New("the answer is empty")
	}
	if errExec != nil {
		return nil, errors.Join(err, errExec)
	}
	return body, nil
}

func (l *adminClient) forwarded(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFile))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status: want 200, got %d: %.200s", path, resp.StatusCode, body)
	}
	return body, err
}

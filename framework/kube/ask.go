package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxAnswer bounds the size of an answer: Envoy's statistics are some megabytes.
const maxAnswer = 64 << 20

// Ask sends one HTTP request to a port on a pod's loopback and returns the body of the
// response, whose status must be 200. The request passes no proxy of the mesh, because it
// uses a forwarded port. The port-forward is kept for later requests: opening a new one, or
// starting a process in the pod instead, takes a second on a busy node. A lost port-forward
// is opened again, and a GET is then repeated.
func (c *Client) Ask(ctx context.Context, ns, pod string, port int, method, path string, body []byte) ([]byte, error) {
	answer, err := c.forwards.ask(ctx, c, endpoint{ns, pod, port}, method, path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s of %s/%s:%d: %w", method, path, ns, pod, port, err)
	}
	return answer, nil
}

// endpoint is a port of a pod.
type endpoint struct {
	ns, pod string
	port    int
}

// forwards are the port-forwards that are kept open, by endpoint.
type forwards struct {
	mu   sync.Mutex
	open map[endpoint]*kept
}

// kept is the port-forward to one endpoint. The first caller opens it, and concurrent
// callers wait for that.
type kept struct {
	mu      sync.Mutex
	forward *portForward
}

func (l *forwards) to(p endpoint) *kept {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[endpoint]*kept{}
	}
	if l.open[p] == nil {
		l.open[p] = &kept{}
	}
	return l.open[p]
}

// get returns the port-forward, and whether it was open before.
func (s *kept) get(ctx context.Context, c *Client, p endpoint) (f *portForward, reused bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forward != nil && s.forward.usable() {
		return s.forward, true, nil
	}
	s.forward, err = c.forward(ctx, p.ns, p.pod, p.port)
	return s.forward, false, err
}

// drop closes a port-forward, unless another caller has replaced it already.
func (s *kept) drop(f *portForward) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forward == f {
		s.forward = nil
		f.stop()
	}
}

// errAnswer marks a response whose status is not 200.
var errAnswer = errors.New("want status 200")

func (l *forwards) ask(ctx context.Context, c *Client, p endpoint, method, path string, body []byte) ([]byte, error) {
	s := l.to(p)
	f, reused, err := s.get(ctx, c, p)
	if err != nil {
		return nil, err
	}
	answer, err := over(ctx, f, method, path, body)
	if err == nil || errors.Is(err, errAnswer) || ctx.Err() != nil {
		return answer, err
	}
	s.drop(f)
	if !reused || method != http.MethodGet && !unsent(err) {
		return nil, err
	}
	if f, _, err = s.get(ctx, c, p); err != nil {
		return nil, err
	}
	return over(ctx, f, method, path, body)
}

// unsent reports whether dialling failed, so that no part of the request was sent.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// idleFor is how long an idle connection stays open for the next request: for a new one the
// kubelet and the container runtime must enter the pod's network namespace again. Servers in
// the pods keep connections for longer, so that none is closed while a request is sent.
const idleFor = 30 * time.Second

// newHTTPClient is a client for one port-forward. It ignores HTTP_PROXY: the address is
// this machine's loopback.
func newHTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{IdleConnTimeout: idleFor, MaxIdleConnsPerHost: 8, DisableCompression: true}}
}

func over(ctx context.Context, l *portForward, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+l.local+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%w, got %d: %.300q", errAnswer, resp.StatusCode, answer)
	}
	return answer, err
}

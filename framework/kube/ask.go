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

// maxAnswer bounds what is read of an answer: Envoy's statistics are some megabytes.
const maxAnswer = 64 << 20

// Ask makes one HTTP request to a port on a pod's loopback and returns the body of the
// answer, which must be 200. It goes by a forwarded port, so nothing of a mesh is on the
// way; and the port stays forwarded, for whoever asks once asks again: to start a process
// in a pod instead, or to connect anew, costs a busy node a second. One that is lost is
// forwarded again, and what was asked for by GET then asked again.
func (c *Client) Ask(ctx context.Context, ns, pod string, port int, method, path string, body []byte) ([]byte, error) {
	answer, err := c.lines.ask(ctx, c, place{ns, pod, port}, method, path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s of %s/%s:%d: %w", method, path, ns, pod, port, err)
	}
	return answer, nil
}

// place is a port of a pod.
type place struct {
	ns, pod string
	port    int
}

// lines are the ports that stay forwarded.
type lines struct {
	mu   sync.Mutex
	open map[place]*standing
}

// standing is the line to one place. Whoever comes first makes it, and the others wait.
type standing struct {
	mu   sync.Mutex
	line *line
}

func (l *lines) to(p place) *standing {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[place]*standing{}
	}
	if l.open[p] == nil {
		l.open[p] = &standing{}
	}
	return l.open[p]
}

// at returns the line, and whether it was there before.
func (s *standing) at(ctx context.Context, c *Client, p place) (at *line, before bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line != nil && s.line.usable() {
		return s.line, true, nil
	}
	s.line, err = c.forward(ctx, p.ns, p.pod, p.port)
	return s.line, false, err
}

// lose gives a line up, unless somebody has done so.
func (s *standing) lose(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == l {
		s.line = nil
		l.stop()
	}
}

// errAnswer marks a server that answered, but not with what was asked for.
var errAnswer = errors.New("want status 200")

func (l *lines) ask(ctx context.Context, c *Client, p place, method, path string, body []byte) ([]byte, error) {
	s := l.to(p)
	at, before, err := s.at(ctx, c, p)
	if err != nil {
		return nil, err
	}
	answer, err := over(ctx, at, method, path, body)
	if err == nil || errors.Is(err, errAnswer) || ctx.Err() != nil {
		return answer, err
	}
	s.lose(at)
	if !before || method != http.MethodGet && !unsent(err) {
		return nil, err
	}
	if at, _, err = s.at(ctx, c, p); err != nil {
		return nil, err
	}
	return over(ctx, at, method, path, body)
}

// unsent: nobody listened any more, so nothing was asked.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// idleFor is how long a connection over a line stays open for the next question: a new one
// has the kubelet and the container runtime enter the pod's network anew. Servers in pods
// keep theirs for longer, so that none is closed while a question is on its way.
const idleFor = 30 * time.Second

// asker is a client for one line. It knows no proxy: none is between us and loopback.
func asker() *http.Client {
	return &http.Client{Transport: &http.Transport{IdleConnTimeout: idleFor, MaxIdleConnsPerHost: 8, DisableCompression: true}}
}

func over(ctx context.Context, l *line, method, path string, body []byte) ([]byte, error) {
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

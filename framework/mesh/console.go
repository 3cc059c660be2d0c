package mesh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"meshgate/framework/kube"

	corev1 "k8s.io/api/core/v1"
)

// istiodPort is istiod's monitoring port. It serves the debug interface (without credentials
// to its own loopback, where a forwarded port arrives), the metrics and the version, so that
// one connection suffices for all of them.
const istiodPort = 15014

// bodyLimit bounds the size of one response; configz of a big mesh is the largest.
const bodyLimit = 64 << 20

// askLimit bounds one request to all istiods. It is independent of the callers' contexts,
// because several callers may wait for the same response.
const askLimit = 10 * time.Second

// Console keeps a connection to every istiod of a mesh for repeated requests. It connects at
// the first request, follows istiods that come and go, and only reads. It is safe for
// concurrent use: it sends one request at a time and shares the response among all callers
// that asked for the same path before it was sent, so that many waiting callers do not load
// istiod.
type Console struct {
	istiods func(ctx context.Context) ([]string, error)
	connect func(ctx context.Context, pod string) (base string, stop func(), err error)
	current func(ctx context.Context, w Wanted) ([]object, error)
	http    *http.Client
	now     func() time.Time

	asking sync.Mutex // held while a request is in progress
	lines  map[string]line

	mu     sync.Mutex
	coming map[string]*question // requests that were not sent yet, by path
}

// question is one request to all istiods, for all callers that wait for it.
type question struct {
	answered chan struct{}
	answers  []answer
	err      error
}

type line struct {
	base string
	stop func()
}

// NewConsole returns a console for a mesh without connecting. The caller must Close it.
func NewConsole(k *kube.Client, m *Mesh) *Console {
	return &Console{
		istiods: func(ctx context.Context) ([]string, error) { return istiods(ctx, k, m) },
		connect: func(ctx context.Context, pod string) (string, func(), error) {
			local, stop, err := k.Forward(ctx, m.Namespace, pod, istiodPort)
			return "http://" + local, stop, err
		},
		current: func(ctx context.Context, w Wanted) ([]object, error) { return resolve(ctx, k, w) },
		http:    &http.Client{Transport: &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 2}},
		now:     time.Now,
		lines:   map[string]line{},
		coming:  map[string]*question{},
	}
}

// RevisionName is the revision as labels name it: "default" for the default revision.
func RevisionName(revision string) string {
	if revision == "" {
		return "default"
	}
	return revision
}

// IstiodSelector selects the pods of a revision's control plane.
func IstiodSelector(revision string) string {
	return "app=istiod,istio.io/rev=" + RevisionName(revision)
}

func istiods(ctx context.Context, k *kube.Client, m *Mesh) ([]string, error) {
	selector := IstiodSelector(m.Revision)
	pods, err := k.Pods(ctx, m.Namespace, selector)
	if err != nil {
		return nil, err
	}
	var ready []string
	for _, p := range pods {
		if p.Status.Phase == corev1.PodRunning {
			ready = append(ready, p.Name)
		}
	}
	if len(ready) == 0 {
		return nil, fmt.Errorf("istiod in %s: want a running pod with labels %s, got none of %d", m.Namespace, selector, len(pods))
	}
	slices.Sort(ready)
	return ready, nil
}

// Close ends the connections. A later request opens them again.
func (c *Console) Close() {
	c.asking.Lock()
	defer c.asking.Unlock()
	for pod := range c.lines {
		c.hangUp(pod)
	}
	c.http.CloseIdleConnections()
}

func (c *Console) hangUp(pod string) {
	c.lines[pod].stop()
	delete(c.lines, pod)
}

// answer is the response of one istiod.
type answer struct {
	pod  string
	body []byte
}

// Get requests a path of the debug interface, such as "/debug/syncz", from every istiod of
// the mesh. It returns the raw responses by pod; Syncz and Change parse them.
func (c *Console) Get(ctx context.Context, path string) (map[string][]byte, error) {
	answers, err := c.ask(ctx, path)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte, len(answers))
	for _, a := range answers {
		out[a.pod] = a.body
	}
	return out, nil
}

// ask returns the istiods' responses to a request that is sent after this call.
func (c *Console) ask(ctx context.Context, path string) ([]answer, error) {
	q := c.question(ctx, path)
	select {
	case <-q.answered:
		return q.answers, q.err
	case <-ctx.Done():
		return nil, fmt.Errorf("istiod: %s: %w", path, context.Cause(ctx))
	}
}

// question returns the next request for a path that was not sent yet.
func (c *Console) question(ctx context.Context, path string) *question {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.coming[path]
	if q == nil {
		q = &question{answered: make(chan struct{})}
		c.coming[path] = q
		go c.put(context.WithoutCancel(ctx), path, q)
	}
	return q
}

// put sends the request when all earlier ones have ended. Callers that come after that need
// another request.
func (c *Console) put(ctx context.Context, path string, q *question) {
	c.asking.Lock()
	defer c.asking.Unlock()
	c.mu.Lock()
	delete(c.coming, path)
	c.mu.Unlock()
	ctx, stop := context.WithTimeout(ctx, askLimit)
	defer stop()
	q.answers, q.err = c.askAll(ctx, path)
	close(q.answered)
}

func (c *Console) askAll(ctx context.Context, path string) ([]answer, error) {
	pods, err := c.istiods(ctx)
	if err != nil {
		return nil, err
	}
	for pod := range c.lines {
		if !slices.Contains(pods, pod) {
			c.hangUp(pod)
		}
	}
	var out []answer
	for _, pod := range pods {
		body, err := c.askOne(ctx, pod, path)
		if err != nil {
			return nil, fmt.Errorf("istiod %s: %s: %w", pod, path, err)
		}
		out = append(out, answer{pod, body})
	}
	return out, nil
}

// askOne retries once on a fresh connection: the kept one may have broken when its istiod was
// replaced.
func (c *Console) askOne(ctx context.Context, pod, path string) ([]byte, error) {
	_, used := c.lines[pod]
	body, err := c.over(ctx, pod, path)
	if err == nil || !used || errors.Is(err, errAnswer) {
		return body, err
	}
	return c.over(ctx, pod, path)
}

// errAnswer marks a response of istiod whose status is not 200.
var errAnswer = errors.New("answered")

func (c *Console) over(ctx context.Context, pod, path string) ([]byte, error) {
	l, connected := c.lines[pod]
	if !connected {
		base, stop, err := c.connect(ctx, pod)
		if err != nil {
			return nil, err
		}
		l = line{base, stop}
		c.lines[pod] = l
	}
	body, err := fetch(ctx, c.http, l.base+path)
	if err != nil && !errors.Is(err, errAnswer) {
		c.hangUp(pod)
	}
	return body, err
}

func fetch(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w with status %d, want 200: %.80q", errAnswer, resp.StatusCode, body)
	}
	return body, nil
}

// Syncz returns the status of every proxy from all istiods of the mesh.
func (c *Console) Syncz(ctx context.Context) ([]ProxyStatus, error) {
	answers, err := c.ask(ctx, "/debug/syncz")
	if err != nil {
		return nil, err
	}
	return parseAll(answers)
}

func parseAll(answers []answer) ([]ProxyStatus, error) {
	var out []ProxyStatus
	for _, a := range answers {
		some, err := ParseSyncz(a.pod, a.body)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

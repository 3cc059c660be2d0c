package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"

	"meshgate/framework/accesslog"
	"meshgate/framework/expect"
	"meshgate/framework/hop"
	"meshgate/framework/kube"
	"meshgate/framework/mesh"
	"meshgate/framework/report"
	"meshgate/framework/wait"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// gatewayName and sidecarName are what reports call proxies.
func gatewayName(g mesh.Gateway) string { return "gateway " + g.Name }
func sidecarName(app string) string     { return "sidecar of " + app }

// noteRead notes whose access log a step looks at.
func (e *environment) noteRead(proxy string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lastRead = proxy
}

func (e *environment) proxyLastRead() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lastRead
}

// requestPath follows the request that a step failed with from hop to hop, and names the
// first wrong hop. It is nil where the step was about no request.
func (r *featureRun) requestPath(ctx context.Context, failed error) *report.Way {
	c := hop.Case{Wrong: expect.Mismatches(failed), Read: r.env.proxyLastRead(), Gateways: map[string]string{}}
	for _, g := range r.env.gateways() {
		if g.Host != "" {
			c.Gateways[g.Host] = gatewayName(g)
		}
	}
	c.Seen, c.Line = expect.Blamed(failed)
	if !c.Traceable() || ctx.Err() != nil || r.env.mesh.Has(mesh.AccessLog) != nil {
		return nil
	}
	proxies, unread := r.proxies(ctx)
	_, _ = wait.Until(ctx, wait.Deadline{Name: "the lines of the request", Within: r.env.budget.LogFlush}, pollEvery, func(ctx context.Context) error {
		records, err := r.records(ctx, proxies)
		if ctx.Err() == nil {
			c.Path, unread = hop.Follow(c.Seen, c.Line, records), err
		}
		return errors.Join(c.Entered(), hop.Complete(c.Path, proxies))
	})
	first := c.First()
	w := &report.Way{FirstWrong: first.Hop, Sentence: first.Sentence}
	for i, h := range c.Path {
		w.Hops = append(w.Hops, report.Hop{Name: h.Proxy.Name, Pod: h.Proxy.Where(), Did: hop.Did(h.Line), Line: h.Line.Raw, Wrong: i == first.At})
	}
	if first.At >= 0 {
		var err error
		w.Chosen, err = r.chosen(ctx, c.Path[first.At])
		unread = errors.Join(unread, err)
	}
	if unread != nil {
		w.Unread = []string{unread.Error()}
	}
	return w
}

// chosen is what the proxy has of the route and the cluster that its line names.
func (r *featureRun) chosen(ctx context.Context, h hop.Record) (json.RawMessage, error) {
	ctx, stop := context.WithTimeout(ctx, r.env.budget.Probe)
	defer stop()
	var answers [][]byte
	for _, path := range hop.Paths(h.Line) {
		answer, err := r.env.kube.Ask(ctx, h.Proxy.Namespace, h.Proxy.Pod, adminPort, http.MethodGet, "/"+path, nil)
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
	}
	return hop.Chosen(h.Line, answers...)
}

// proxies are the Envoys that the requests of the suite may have come by: its sidecars and
// the gateways.
func (r *featureRun) proxies(ctx context.Context) ([]hop.Proxy, error) {
	var out []hop.Proxy
	var errs []error
	add := func(namespace, selector string, gateway bool, name func(corev1.Pod) string) {
		pods, err := r.env.kube.Pods(ctx, namespace, selector)
		errs = append(errs, err)
		for _, p := range pods {
			if slices.ContainsFunc(slices.Concat(p.Spec.InitContainers, p.Spec.Containers), func(c corev1.Container) bool { return c.Name == proxyContainer }) {
				out = append(out, hop.Proxy{Name: name(p), Namespace: p.Namespace, Pod: p.Name, IP: p.Status.PodIP, Gateway: gateway})
			}
		}
	}
	for _, g := range r.env.gateways() {
		add(g.Namespace, labels.SelectorFromSet(g.Selector).String(), true, func(corev1.Pod) string { return gatewayName(g) })
	}
	for _, ns := range r.suite.realNamespaces() {
		add(ns, "", false, func(p corev1.Pod) string { return sidecarName(p.Labels["app"]) })
	}
	return out, errors.Join(errs...)
}

// records are the proxies' access logs since the feature began. A line that cannot be read
// is left out: the log itself is in the evidence.
func (r *featureRun) records(ctx context.Context, proxies []hop.Proxy) ([]hop.Record, error) {
	var mu sync.Mutex
	var all []hop.Record
	var errs []error
	var g errgroup.Group
	g.SetLimit(4)
	for _, p := range proxies {
		g.Go(func() error {
			raw, err := r.env.kube.Logs(ctx, p.Namespace, p.Pod, proxyContainer, kube.LogOptions{Since: r.env.began.Add(-clockSlack)})
			lines, _, unreadable := accesslog.Scan(bytes.NewReader(raw))
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err, unreadable)
			for _, l := range lines {
				all = append(all, hop.Record{Proxy: p, Line: l})
			}
			return nil
		})
	}
	return all, errors.Join(g.Wait(), errors.Join(errs...))
}

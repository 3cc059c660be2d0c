package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"meshgate/framework/accesslog"
	"meshgate/framework/expect"
	"meshgate/framework/mesh"

	"k8s.io/apimachinery/pkg/labels"
)

// proxyContainer is the container that has the Envoy, in gateways and sidecars.
const proxyContainer = "istio-proxy"

// adminPort is where its admin interface listens, on the pod's loopback.
const adminPort = 15000

// Proxy is what the Envoys of a gateway or of an application say: in their access logs
// all replicas, on their admin interface the first.
type Proxy struct {
	env                 *Env
	name                string // as reports call it
	namespace, selector string
}

// Through is the proxy of a gateway, by the name that Env.Gateway takes.
func (e *Env) Through(gateway string) Proxy {
	g := e.Gateway(gateway)
	return Proxy{e, gatewayName(g), g.Namespace, labels.SelectorFromSet(g.Selector).String()}
}

// Sidecar is the proxy beside an application, which is the value of label "app"; the
// namespace is readable.
func (e *Env) Sidecar(namespace, app string) Proxy {
	return Proxy{e, sidecarName(app), e.Namespace(namespace), "app=" + app}
}

// Addresses are those of its pods.
func (p Proxy) Addresses(ctx context.Context) ([]string, error) {
	pods, err := p.env.pods(ctx, p.namespace, p.selector)
	var all []string
	for _, pod := range pods {
		all = append(all, pod.Status.PodIP)
	}
	return all, err
}

// Lines reads the access log since the feature began.
func (p Proxy) Lines(ctx context.Context) ([]accesslog.Line, error) {
	p.env.reads(p.name)
	pods, err := p.env.pods(ctx, p.namespace, p.selector)
	if err != nil {
		return nil, err
	}
	var all []accesslog.Line
	for _, pod := range pods {
		raw, err := p.env.readLog(ctx, pod, proxyContainer, p.env.began.Add(-clockSlack))
		if err != nil {
			return nil, Broken(err)
		}
		lines, err := linesIn(raw)
		if err != nil {
			return nil, fmt.Errorf("access log of %s/%s: %w", p.namespace, pod.Name, err)
		}
		all = append(all, lines...)
	}
	return all, nil
}

// Says wants at least one line of the access log that passes all the checks.
func (p Proxy) Says(ctx context.Context, checks ...expect.LineCheck) error {
	lines, err := p.Lines(ctx)
	if err != nil {
		return err
	}
	return expect.SomeOf(lines, checks...)
}

// Admin asks Envoy's admin interface.
func (p Proxy) Admin(ctx context.Context, path string) (string, error) {
	pods, err := p.env.pods(ctx, p.namespace, p.selector)
	if err != nil {
		return "", err
	}
	out, err := p.env.Kube.Ask(ctx, pods[0].Namespace, pods[0].Name, adminPort, http.MethodGet, "/"+path, nil)
	return string(out), Broken(err)
}

// Upstreams are the endpoints of a cluster of Envoy's configuration, such as
// "outbound|27017||mongodb.bookinfo.svc.cluster.local".
func (p Proxy) Upstreams(ctx context.Context, cluster string) ([]mesh.Upstream, error) {
	text, err := p.Admin(ctx, "clusters")
	if err != nil {
		return nil, err
	}
	all, err := mesh.ParseClusters(text)
	return mesh.Of(all, cluster), Broken(err)
}

// Opened counts the connections that were opened to a cluster since the proxy began.
func (p Proxy) Opened(ctx context.Context, cluster string) (int, error) {
	all, err := p.Upstreams(ctx, cluster)
	return mesh.Sum(all).Opened, err
}

// Stat is one of the statistics of a cluster, such as "upstream_rq_pending_active". Istio
// keeps those that the annotation proxy.istio.io/config of the pod asks for.
func (p Proxy) Stat(ctx context.Context, cluster, name string) (int, error) {
	text, err := p.Admin(ctx, "stats?filter="+name)
	if err != nil {
		return 0, err
	}
	return statIn(text, cluster, name)
}

// statIn reads "cluster.<cluster>.<name>: 3"; since Istio 1.24 the cluster ends in ";".
func statIn(text, cluster, name string) (int, error) {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if key == "cluster."+cluster+"."+name || key == "cluster."+cluster+";."+name {
			n, err := strconv.Atoi(value)
			return n, Broken(err)
		}
	}
	return 0, Broken(fmt.Errorf("statistics of the proxy: no %s of cluster %s; does its pod ask for it by proxyStatsMatcher?", name, cluster))
}

// Workers is how many threads the Envoy works with.
func (p Proxy) Workers(ctx context.Context) (int, error) {
	text, err := p.Admin(ctx, "server_info")
	if err != nil {
		return 0, err
	}
	var info struct {
		Options struct {
			Concurrency int `json:"concurrency"`
		} `json:"command_line_options"`
	}
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		return 0, Broken(fmt.Errorf("server_info of the proxy: %w", err))
	}
	if info.Options.Concurrency == 0 {
		return 0, Broken(errors.New("server_info of the proxy does not say how many workers there are"))
	}
	return info.Options.Concurrency, nil
}

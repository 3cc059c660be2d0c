package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"meshgate/framework/suite"
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

// proxy is the suite.Proxy of a gateway or of an application.
type proxy struct {
	env                 *environment
	name                string // as reports call it
	namespace, selector string
}

func (e *environment) Through(gateway string) suite.Proxy {
	g := e.Gateway(gateway)
	return proxy{e, gatewayName(g), g.Namespace, labels.SelectorFromSet(g.Selector).String()}
}

func (e *environment) Sidecar(namespace, app string) suite.Proxy {
	return proxy{e, sidecarName(app), e.Namespace(namespace), "app=" + app}
}

func (p proxy) Addresses(ctx context.Context) ([]string, error) {
	pods, err := p.env.pods(ctx, p.namespace, p.selector)
	var all []string
	for _, pod := range pods {
		all = append(all, pod.Status.PodIP)
	}
	return all, err
}

func (p proxy) Lines(ctx context.Context) ([]accesslog.Line, error) {
	p.env.noteRead(p.name)
	pods, err := p.env.pods(ctx, p.namespace, p.selector)
	if err != nil {
		return nil, err
	}
	var all []accesslog.Line
	for _, pod := range pods {
		raw, err := p.env.readLog(ctx, pod, proxyContainer, p.env.began.Add(-clockSlack))
		if err != nil {
			return nil, suite.Infrastructure(err)
		}
		lines, err := linesIn(raw)
		if err != nil {
			return nil, fmt.Errorf("access log of %s/%s: %w", p.namespace, pod.Name, err)
		}
		all = append(all, lines...)
	}
	return all, nil
}

func (p proxy) Says(ctx context.Context, checks ...expect.LineCheck) error {
	lines, err := p.Lines(ctx)
	if err != nil {
		return err
	}
	return expect.SomeOf(lines, checks...)
}

func (p proxy) Admin(ctx context.Context, path string) (string, error) {
	pods, err := p.env.pods(ctx, p.namespace, p.selector)
	if err != nil {
		return "", err
	}
	out, err := p.env.kube.Ask(ctx, pods[0].Namespace, pods[0].Name, adminPort, http.MethodGet, "/"+path, nil)
	return string(out), suite.Infrastructure(err)
}

func (p proxy) Upstreams(ctx context.Context, cluster string) ([]mesh.Upstream, error) {
	text, err := p.Admin(ctx, "clusters")
	if err != nil {
		return nil, err
	}
	all, err := mesh.ParseClusters(text)
	return mesh.Of(all, cluster), suite.Infrastructure(err)
}

func (p proxy) Opened(ctx context.Context, cluster string) (int, error) {
	all, err := p.Upstreams(ctx, cluster)
	return mesh.Sum(all).Opened, err
}

func (p proxy) Stat(ctx context.Context, cluster, name string) (int, error) {
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
			return n, suite.Infrastructure(err)
		}
	}
	return 0, suite.Infrastructure(fmt.Errorf("statistics of the proxy: no %s of cluster %s; does its pod ask for it by proxyStatsMatcher?", name, cluster))
}

func (p proxy) Workers(ctx context.Context) (int, error) {
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
		return 0, suite.Infrastructure(fmt.Errorf("server_info of the proxy: %w", err))
	}
	if info.Options.Concurrency == 0 {
		return 0, suite.Infrastructure(errors.New("server_info of the proxy does not say how many workers there are"))
	}
	return info.Options.Concurrency, nil
}

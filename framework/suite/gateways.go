package suite

import (
	"context"

	"meshgate/framework/accesslog"
	"meshgate/framework/mesh"

	"k8s.io/apimachinery/pkg/labels"
)

// The shared gateways, as fixtures select them by label istio.
const (
	ingressGateway = "ingressgateway"
	egressGateway  = "egressgateway"
)

// Gateway is the gateway that fixtures select by this value of label istio: a shared
// one, or one of Suite.Gateways. One that the mesh has not is not Present.
func (e *Env) Gateway(name string) mesh.Gateway {
	switch name {
	case "", ingressGateway:
		return e.Mesh.Ingress
	case egressGateway:
		return e.Mesh.Egress
	}
	return e.Mesh.Others[name]
}

// selectors are the labels of the pods of each gateway that fixtures may select.
func (e *Env) selectors() map[string]map[string]string {
	s := map[string]map[string]string{}
	for _, name := range []string{ingressGateway, egressGateway} {
		s[name] = e.Gateway(name).Selector
	}
	for name, g := range e.Mesh.Others {
		s[name] = g.Selector
	}
	return s
}

// LinesOf reads a gateway's access log since the feature began.
func (e *Env) LinesOf(ctx context.Context, gateway string) ([]accesslog.Line, error) {
	g := e.Gateway(gateway)
	return e.Lines(ctx, g.Namespace, labels.SelectorFromSet(g.Selector).String())
}

// Admin asks the admin interface of a gateway's Envoy, first replica.
func (e *Env) Admin(ctx context.Context, gateway, path string) (string, error) {
	g := e.Gateway(gateway)
	return e.adminOf(ctx, g.Namespace, labels.SelectorFromSet(g.Selector).String(), path)
}

// SidecarAdmin asks the admin interface of an application's sidecar, first replica.
func (e *Env) SidecarAdmin(ctx context.Context, namespace, app, path string) (string, error) {
	return e.adminOf(ctx, e.Namespace(namespace), "app="+app, path)
}

func (e *Env) adminOf(ctx context.Context, namespace, selector, path string) (string, error) {
	pods, err := e.pods(ctx, namespace, selector)
	if err != nil {
		return "", err
	}
	out, _, err := e.Kube.Exec(ctx, pods[0].Namespace, pods[0].Name, proxyContainer, []string{"pilot-agent", "request", "GET", path}, nil)
	return string(out), Broken(err)
}

// Opened counts the connections that a gateway's Envoy has opened to a cluster of its
// configuration, such as "outbound|27017||mongodb.bookinfo.svc.cluster.local".
func (e *Env) Opened(ctx context.Context, gateway, cluster string) (int, error) {
	text, err := e.Admin(ctx, gateway, clustersPath)
	return opened(text, cluster, err)
}

// SidecarOpened is Opened of an application's sidecar; the namespace is readable.
func (e *Env) SidecarOpened(ctx context.Context, namespace, app, cluster string) (int, error) {
	text, err := e.SidecarAdmin(ctx, namespace, app, clustersPath)
	return opened(text, cluster, err)
}

const clustersPath = "clusters"

func opened(text, cluster string, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	all, err := mesh.ParseClusters(text)
	return mesh.Opened(all, cluster), Broken(err)
}

package istio

import (
	"bytes"
	"fmt"

	"meshgate/framework/kube"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"
)

// getter gives Helm a client for a cluster that is already known, without a kubeconfig file;
// it keeps the results of the discovery in memory.
type getter struct {
	cfg        *rest.Config
	namespace  string
	discovered discovery.CachedDiscoveryInterface
}

func newGetter(cfg *rest.Config, namespace string) (*getter, error) {
	d, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("discovery client for %s: %w", cfg.Host, err)
	}
	return &getter{cfg: cfg, namespace: namespace, discovered: memory.NewMemCacheClient(d)}, nil
}

func (g *getter) ToRESTConfig() (*rest.Config, error) { return rest.CopyConfig(g.cfg), nil }

func (g *getter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return g.discovered, nil
}

func (g *getter) ToRESTMapper() (meta.RESTMapper, error) {
	return restmapper.NewDeferredDiscoveryRESTMapper(g.discovered), nil
}

func (g *getter) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	return clientcmd.NewDefaultClientConfig(*clientcmdapi.NewConfig(),
		&clientcmd.ConfigOverrides{Context: clientcmdapi.Context{Namespace: g.namespace}})
}

// stamp is a post-renderer that puts meshgate's label on every object of a release, so that
// kube.Owned finds objects that remain.
type stamp struct{}

func (stamp) Run(in *bytes.Buffer) (*bytes.Buffer, error) {
	objs, err := decode("rendered chart", in.Bytes())
	if err != nil {
		return nil, err
	}
	out := &bytes.Buffer{}
	for _, o := range objs {
		labels := o.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[kube.OwnerLabel] = string(owner)
		o.SetLabels(labels)
		doc, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kube.Name(o), err)
		}
		fmt.Fprintf(out, "---\n%s", doc)
	}
	return out, nil
}

// Package kube talks to the API server of one cluster: it applies meshgate's objects,
// deletes them and waits until they are gone, executes commands in pods, reads logs, and
// compares the cluster before and after a run.
//
// Every object that it writes carries OwnerLabel; it never changes an object without it.
package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// unlimited switches client-go's rate limiter off: its five requests a second would be
// measured as slowness of the mesh, and near a deadline its own error replaces the server's
// answer.
const unlimited = -1

// Client is safe for concurrent use.
type Client struct {
	rest     *rest.Config
	typed    kubernetes.Interface
	dynamic  dynamic.Interface
	metadata metadata.Interface
	mapper   *restmapper.DeferredDiscoveryRESTMapper
	forwards forwards // see Ask
}

// Connect reads a kubeconfig file and one of its contexts; an empty file name means the
// default of kubectl, an empty context the file's current one. It sends no request to the
// cluster: Version does.
func Connect(kubeconfig, contextName string) (*Client, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules,
		&clientcmd.ConfigOverrides{CurrentContext: contextName})
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", describe(kubeconfig), err)
	}
	if contextName == "" {
		contextName = raw.CurrentContext
	}
	if len(raw.Contexts) == 0 {
		return nil, fmt.Errorf("kubeconfig %s: it has no context: choose another file with --kubeconfig", describe(kubeconfig))
	}
	if _, ok := raw.Contexts[contextName]; !ok {
		return nil, fmt.Errorf("kubeconfig %s: context: want %q, got only [%s]: choose one with --context",
			describe(kubeconfig), contextName, strings.Join(names(raw.Contexts), ", "))
	}
	cfg, err := loader.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s, context %q: %w", describe(kubeconfig), contextName, err)
	}
	return FromREST(cfg)
}

// FromREST returns a client for a configuration that is already resolved.
func FromREST(cfg *rest.Config) (*Client, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = unlimited
	cfg.WarningHandler = rest.NoWarnings{}
	typed, err1 := kubernetes.NewForConfig(cfg)
	dyn, err2 := dynamic.NewForConfig(cfg)
	md, err3 := metadata.NewForConfig(cfg)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("client for %s: %w", cfg.Host, err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(typed.Discovery()))
	return &Client{rest: cfg, typed: typed, dynamic: dyn, metadata: md, mapper: mapper}, nil
}

// REST returns a copy of the configuration that the client was made from.
func (c *Client) REST() *rest.Config { return rest.CopyConfig(c.rest) }

// Typed returns the client for built-in kinds.
func (c *Client) Typed() kubernetes.Interface { return c.typed }

// Dynamic returns the client for any kind.
func (c *Client) Dynamic() dynamic.Interface { return c.dynamic }

// Version asks the API server for its version, such as "v1.36.3".
func (c *Client) Version(ctx context.Context) (string, error) {
	if c.rest.Timeout == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, pingLimit)
		defer cancel()
	}
	body, err := c.typed.Discovery().RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) {
		return "", fmt.Errorf("API server %s refuses the credentials: %w: check the credentials of the kubeconfig", c.rest.Host, err)
	}
	if err != nil {
		return "", fmt.Errorf("API server %s does not answer: %w: check the cluster, the kubeconfig and the credentials", c.rest.Host, err)
	}
	v, err := versionOf(body)
	if err != nil {
		return "", fmt.Errorf("API server %s: /version: %w", c.rest.Host, err)
	}
	return v, nil
}

// pingLimit bounds how long an API server may take to answer with its version.
const pingLimit = 10 * time.Second

// mapping finds the resource of a kind. When the kind is unknown it repeats the discovery
// once: the CRD may have been created after the cached discovery.
func (c *Client) mapping(o object) (*meta.RESTMapping, error) {
	gvk := o.GroupVersionKind()
	m, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) || discovery.IsGroupDiscoveryFailedError(err) {
		c.mapper.Reset()
		m, err = c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: the cluster does not know this kind: %w", Name(o), err)
	}
	return m, nil
}

func names[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return slices.Clip(out)
}

func describe(kubeconfig string) string {
	if kubeconfig == "" {
		return "(KUBECONFIG or the default file)"
	}
	return kubeconfig
}

package detect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"meshgate/framework/mesh"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"
)

// Config is the part of Istio's MeshConfig that decides what suites may assert. Its field
// names are those of the ConfigMap.
type Config struct {
	RootNamespace         string `json:"rootNamespace"`
	AccessLogFile         string `json:"accessLogFile"`
	AccessLogFormat       string `json:"accessLogFormat"`
	AccessLogEncoding     string `json:"accessLogEncoding"`
	OutboundTrafficPolicy struct {
		Mode string `json:"mode"`
	} `json:"outboundTrafficPolicy"`
	DefaultProviders struct {
		Metrics       []string `json:"metrics"`
		AccessLogging []string `json:"accessLogging"`
	} `json:"defaultProviders"`
	ExtensionProviders []struct {
		Name               string `json:"name"`
		EnvoyFileAccessLog *struct {
			Path string `json:"path"`
		} `json:"envoyFileAccessLog"`
		Zipkin *struct {
			Service string `json:"service"`
			Port    int    `json:"port"`
			Path    string `json:"path"`
		} `json:"zipkin"`
	} `json:"extensionProviders"`
}

// MeshConfig reads the configuration of a control plane from its ConfigMap:
// "istio", or "istio-<revision>".
func MeshConfig(ctx context.Context, k kubernetes.Interface, namespace, revision string) (Config, error) {
	name := "istio"
	if revision != "" {
		name += "-" + revision
	}
	cm, err := k.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return Config{}, fmt.Errorf("mesh configuration: %w", err)
	}
	text, ok := cm.Data["mesh"]
	if !ok {
		return Config{}, fmt.Errorf("mesh configuration in ConfigMap %s/%s: want key \"mesh\", got none of that name", namespace, name)
	}
	var c Config
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		return Config{}, fmt.Errorf("mesh configuration in ConfigMap %s/%s: %w", namespace, name, err)
	}
	return c, nil
}

const standardOutput = "/dev/stdout"

// registryOnly is nil when the whole mesh blocks traffic to hosts that are not registered.
func (c Config) registryOnly() error {
	mode := c.OutboundTrafficPolicy.Mode
	if mode == "" {
		mode = "ALLOW_ANY (the default)"
	}
	return unless(mode == "REGISTRY_ONLY", "meshConfig.outboundTrafficPolicy.mode: want REGISTRY_ONLY, got %s", mode)
}

// accessLog is nil when every proxy writes access-log lines to its standard output.
func (c Config) accessLog() error {
	if c.AccessLogFile == standardOutput || slices.Contains(c.DefaultProviders.AccessLogging, "envoy") {
		return nil
	}
	for _, p := range c.ExtensionProviders {
		if p.EnvoyFileAccessLog != nil && p.EnvoyFileAccessLog.Path == standardOutput && slices.Contains(c.DefaultProviders.AccessLogging, p.Name) {
			return nil
		}
	}
	return fmt.Errorf("meshConfig.accessLogFile: want %s, got %q, and no default access-log provider writes there", standardOutput, c.AccessLogFile)
}

// tracing is nil when the mesh has the extension provider that suites name in their Telemetry
// objects, and it sends spans to the collector of a suite. A provider of another name does
// not suffice: suites cannot read the spans that it sends elsewhere.
func (c Config) tracing(namespace string) error {
	want := fmt.Sprintf("meshConfig.extensionProviders: want %q with zipkin.service %s and port %d",
		mesh.TracingProvider, mesh.TracingService(namespace), mesh.TracingPort)
	var names []string
	for _, p := range c.ExtensionProviders {
		names = append(names, p.Name)
		if p.Name != mesh.TracingProvider {
			continue
		}
		if p.Zipkin == nil {
			return fmt.Errorf("%s, got a provider of that name that is not zipkin", want)
		}
		return unless(p.Zipkin.Port == mesh.TracingPort && p.Zipkin.Service == mesh.TracingService(namespace) && p.Zipkin.Path == "",
			"%s, got %s, port %d, path %q", want, p.Zipkin.Service, p.Zipkin.Port, p.Zipkin.Path)
	}
	return fmt.Errorf("%s, got [%s]", want, strings.Join(names, " "))
}

// metrics is nil when proxies are configured to export Istio's own metrics.
func (c Config) metrics() error {
	return unless(slices.Contains(c.DefaultProviders.Metrics, "prometheus"),
		"meshConfig.defaultProviders.metrics: want prometheus among them, got [%s]", strings.Join(c.DefaultProviders.Metrics, " "))
}

// facts are properties of the configuration that readers of the report should know.
func (c Config) facts() []string {
	var out []string
	if c.AccessLogEncoding == "JSON" {
		out = append(out, "access log lines are JSON")
	}
	if c.AccessLogFormat != "" {
		out = append(out, "access log lines have a format of their own (meshConfig.accessLogFormat)")
	}
	return out
}

func unless(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// Findings are the properties found of a mesh; each error is nil for "yes" and otherwise the
// reason why not.
type Findings struct {
	Config       Config
	Ground       mesh.Ground
	LoadBalancer error // of the ingress gateway
	Storage      error // volumes for claims without a class
	Injection    error
	Proxy        error // whether this build of Envoy can export Istio's metrics
}

// Describe sets the capabilities and facts of a mesh whose gateways are known.
func Describe(m *mesh.Mesh, f Findings) {
	m.Capabilities = map[mesh.Capability]error{
		mesh.LoadBalancer:     first(f.Ground.LoadBalancer, f.LoadBalancer),
		mesh.NetworkPolicy:    f.Ground.NetworkPolicy,
		mesh.EgressGateway:    unless(m.Egress.Present(), "no egress gateway: no Service with label istio=egressgateway"),
		mesh.TCPRouting:       nil,
		mesh.Tracing:          f.Config.tracing(m.Ingress.Namespace),
		mesh.IstioMetrics:     first(f.Proxy, f.Config.metrics()),
		mesh.SidecarInjection: f.Injection,
		mesh.RegistryOnly:     f.Config.registryOnly(),
		mesh.AccessLog:        f.Config.accessLog(),
		mesh.OwnGateways:      unless(!m.Taken, "the mesh was not installed by meshgate: none of its gateways may be stopped"),
		mesh.PersistentVolume: f.Storage,
	}
	m.Facts = append(m.Facts, f.Config.facts()...)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

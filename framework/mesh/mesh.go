// Package mesh describes a service mesh to the suites: its version, its capabilities, the
// addresses of its gateways, and the labels of its member namespaces. A Flavour installs or
// finds it.
package mesh

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Capability is an ability that a mesh on its cluster may have or lack. A feature that needs
// a missing one is skipped with the reason in Mesh.Capabilities.
type Capability string

// The capabilities that features ask for.
const (
	LoadBalancer     Capability = "LoadBalancer"     // Services of that type get an address that answers from here
	NetworkPolicy    Capability = "NetworkPolicy"    // the cluster's network enforces policies
	EgressGateway    Capability = "EgressGateway"    // an egress gateway runs
	TCPRouting       Capability = "TCPRouting"       // VirtualServices route TCP and TLS, not only HTTP
	Tracing          Capability = "Tracing"          // spans are sent to a backend the suite can read
	IstioMetrics     Capability = "IstioMetrics"     // proxies export istio_requests_total
	SidecarInjection Capability = "SidecarInjection" // pods of members get a proxy of their own
	RegistryOnly     Capability = "RegistryOnly"     // outboundTrafficPolicy is REGISTRY_ONLY for the whole mesh
	AccessLog        Capability = "AccessLog"        // every proxy writes access-log lines to its standard output
	OwnGateways      Capability = "OwnGateways"      // meshgate installed the gateways and may stop them
	PersistentVolume Capability = "PersistentVolume" // a claim without a class gets a volume
)

// A suite that looks at traces names this extension provider in its Telemetry
// objects, and brings the collector along that the provider sends Zipkin spans to.
const (
	TracingProvider = "meshgate-tracing"
	TracingPort     = 9411 // Zipkin's registered port
)

// TracingService is the in-cluster DNS name of the collector's Service. It is in the
// namespace of the ingress gateway, which every mesh has.
func TracingService(namespace string) string {
	return TracingProvider + "." + namespace + ".svc.cluster.local"
}

// Known lists every capability.
func Known() []Capability {
	return []Capability{LoadBalancer, NetworkPolicy, EgressGateway, TCPRouting, Tracing, IstioMetrics, SidecarInjection, RegistryOnly, AccessLog, OwnGateways, PersistentVolume}
}

// Gateway is one gateway of the mesh: its Service, its pods, and the address at which this
// machine reaches it.
type Gateway struct {
	Namespace string            // of the Service and the Deployment
	Name      string            // of the Service and the Deployment
	Selector  map[string]string // labels of its pods, for Gateway.spec.selector
	Host      string            // address reachable from this machine; empty when there is none
	Ports     map[int]int       // Service port -> port on Host, or in the cluster without Host
}

// Present reports whether the mesh has this gateway.
func (g Gateway) Present() bool { return g.Name != "" }

// Runs reports whether a proxy is a pod of the gateway's Deployment, judging by its name.
func (g Gateway) Runs(p ProxyStatus) bool {
	id, ours := strings.CutPrefix(p.Proxy, g.Name+"-")
	return ours && p.Namespace == g.Namespace && strings.Count(id, "-") == 1
}

// Service is the DNS name of the gateway's Service with the default cluster domain.
func (g Gateway) Service() string { return g.Name + "." + g.Namespace + ".svc.cluster.local" }

// Address is the host:port at which this machine reaches the Service port. The error says
// whether the address or the port is missing.
func (g Gateway) Address(port int) (string, error) {
	if !g.Present() {
		return "", fmt.Errorf("gateway: the mesh has none of this kind, so port %d has no address", port)
	}
	if g.Host == "" {
		return "", fmt.Errorf("gateway %s/%s: want an address reachable from this machine for port %d, got none: give its Service a LoadBalancer address or a node port", g.Namespace, g.Name, port)
	}
	reachable, ok := g.Ports[port]
	if !ok {
		return "", fmt.Errorf("gateway %s/%s: want port %d, its Service has %s", g.Namespace, g.Name, port, portList(g.Ports))
	}
	return net.JoinHostPort(g.Host, strconv.Itoa(reachable)), nil
}

func portList(ports map[int]int) string {
	var names []string
	for _, p := range slices.Sorted(maps.Keys(ports)) {
		names = append(names, strconv.Itoa(p))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// GatewaySpec is a gateway that a suite needs in addition to the two shared ones, so that it
// may change the gateway without disturbing other suites.
type GatewaySpec struct {
	// Name is the name of its Service and Deployment, and the value of the label "istio" of
	// its pods: "mongo-ingressgateway". A revision other than the default is appended to it.
	Name string
	// Egress says that it need not be reachable from outside the cluster.
	Egress bool
	// Ports are the TCP ports of its Service.
	Ports []int
	// Secrets of its namespace are mounted as files below /etc/secrets/<name>. It also starts
	// without them.
	Secrets []string
}

// Mesh is a running mesh, as its Flavour installed or found it.
type Mesh struct {
	Flavour      string               // "istio", "existing"
	Version      string               // of the control plane, "1.31.1"
	Revision     string               // "" is the default revision
	Namespace    string               // of the control plane
	Ingress      Gateway              // the shared ingress gateway
	Egress       Gateway              // absent when !Egress.Present()
	Others       map[string]Gateway   // by GatewaySpec.Name
	Capabilities map[Capability]error // nil: present; else the reason it is absent
	Taken        bool                 // found on the cluster, not installed by meshgate
	Facts        []string             // what a reader of the report should know
	MemberLabels map[string]string    // labels that make a namespace a member
}

// Has is nil when the mesh has the capability, and otherwise the reason why not.
func (m *Mesh) Has(c Capability) error {
	reason, known := m.Capabilities[c]
	if !known {
		return fmt.Errorf("capability %s: the %s flavour does not say whether it has it", c, m.Flavour)
	}
	if reason != nil {
		return fmt.Errorf("capability %s: %w", c, reason)
	}
	return nil
}

// Provides is nil when the mesh has a gateway with the name and the ports that a suite needs,
// and otherwise says what is missing.
func (m *Mesh) Provides(s GatewaySpec) error {
	g := m.Others[s.Name]
	if !g.Present() {
		return fmt.Errorf("gateway %s: no Service with label istio=%s", s.Name, s.Name)
	}
	for _, port := range s.Ports {
		if _, ok := g.Ports[port]; !ok {
			return fmt.Errorf("gateway %s/%s: want port %d, its Service has %s", g.Namespace, g.Name, port, portList(g.Ports))
		}
	}
	return nil
}

// MemberLabels are the labels that make a namespace a member of a mesh of this revision:
// "istio-injection=enabled" for the default one, "istio.io/rev=<rev>" for a named one.
func MemberLabels(revision string) map[string]string {
	if revision == "" {
		return map[string]string{"istio-injection": "enabled"}
	}
	return map[string]string{"istio.io/rev": revision}
}

// Ground has the abilities of the cluster below the mesh: nil for yes, else why not.
type Ground struct {
	NetworkPolicy error
	LoadBalancer  error
}

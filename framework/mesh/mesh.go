// Package mesh says what a service mesh is to the suites: its version, what it
// can do, where its gateways answer, and which namespaces are members. How it
// came to be there is the business of a Flavour.
package mesh

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Capability is something a mesh, on the cluster it stands on, may or may not
// be able to do. A feature that needs one which is absent is skipped with the
// reason that Mesh.Capabilities gives (spec.md, rule 8).
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
	OwnGateways      Capability = "OwnGateways"      // the gateways are of the run's making, and may be stopped
	PersistentVolume Capability = "PersistentVolume" // a claim without a class gets a volume
)

// A suite that looks at traces names this extension provider in its Telemetry
// objects, and brings the collector along that the provider sends Zipkin spans to.
const (
	TracingProvider = "meshgate-tracing"
	TracingPort     = 9411 // Zipkin's registered port
)

// TracingService is the in-cluster DNS name of the collector's Service. It stands
// in the ingress gateway's namespace, the one that every mesh has under one name.
func TracingService(namespace string) string {
	return TracingProvider + "." + namespace + ".svc.cluster.local"
}

// Known lists every capability, so that a mesh can be asked about each.
func Known() []Capability {
	return []Capability{LoadBalancer, NetworkPolicy, EgressGateway, TCPRouting, Tracing, IstioMetrics, SidecarInjection, RegistryOnly, AccessLog, OwnGateways, PersistentVolume}
}

// Gateway is one gateway of the mesh: its Service, its pods and where it can be
// reached from here.
type Gateway struct {
	Namespace string            // of the Service and the Deployment
	Name      string            // of the Service and the Deployment
	Selector  map[string]string // labels of its pods, for Gateway.spec.selector
	Host      string            // address reachable from here; empty when there is none
	Ports     map[int]int       // Service port -> port reachable on Host, or in the cluster where there is none
}

// Present says whether the mesh has this gateway at all.
func (g Gateway) Present() bool { return g.Name != "" }

// Runs tells whether a proxy is one of the gateway's, by what its Deployment calls pods.
func (g Gateway) Runs(p ProxyStatus) bool {
	id, ours := strings.CutPrefix(p.Proxy, g.Name+"-")
	return ours && p.Namespace == g.Namespace && strings.Count(id, "-") == 1
}

// Service is the in-cluster DNS name of the gateway's Service, with the
// cluster's default domain.
func (g Gateway) Service() string { return g.Name + "." + g.Namespace + ".svc.cluster.local" }

// Address is where the Service port can be dialled from here, as host:port.
// The error says which part is missing: the address or the port.
func (g Gateway) Address(port int) (string, error) {
	if !g.Present() {
		return "", fmt.Errorf("gateway: the mesh has none of this kind, so port %d has no address", port)
	}
	if g.Host == "" {
		return "", fmt.Errorf("gateway %s/%s: no address reachable from here, wanted one for port %d: give its Service a LoadBalancer address or a node port", g.Namespace, g.Name, port)
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

// GatewaySpec is a gateway that a suite needs beside the two that every mesh has:
// whatever the suite does to it disturbs no other suite.
type GatewaySpec struct {
	// Name is that of its Service and Deployment, and the value of label "istio" of
	// its pods: "mongo-ingressgateway". A revision that is not the default follows.
	Name string
	// Egress says that nobody reaches it from outside.
	Egress bool
	// Ports are the TCP ports of its Service.
	Ports []int
	// Secrets of its namespace are files below /etc/secrets/<name>. It starts without
	// those that are not there.
	Secrets []string
}

// Mesh is a mesh that is up, as its Flavour installed or found it.
type Mesh struct {
	Flavour      string               // "istio", "existing"
	Version      string               // of the control plane, "1.31.1"
	Revision     string               // "" is the default revision
	Namespace    string               // of the control plane
	Ingress      Gateway              // the shared ingress gateway
	Egress       Gateway              // absent when !Egress.Present()
	Others       map[string]Gateway   // by GatewaySpec.Name
	Capabilities map[Capability]error // nil: present; else the reason it is absent
	Taken        bool                 // found on the cluster, not installed by us
	Facts        []string             // what a reader of the report should know
	MemberLabels map[string]string    // labels that make a namespace a member
}

// Has returns nil when the mesh has the capability, and otherwise the reason
// why it has not.
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

// Provides is nil when the mesh has a gateway as a suite needs it, with those ports,
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

// MemberLabels are the labels that make a namespace a member of a mesh of this
// revision: "istio-injection=enabled" for the default one, "istio.io/rev=<rev>"
// for a named one.
func MemberLabels(revision string) map[string]string {
	if revision == "" {
		return map[string]string{"istio-injection": "enabled"}
	}
	return map[string]string{"istio.io/rev": revision}
}

// Ground is what the cluster under the mesh can do: nil for yes, else why not.
type Ground struct {
	NetworkPolicy error
	LoadBalancer  error
}

package detect

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"meshgate/framework/mesh"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// GatewayService finds the Service of a gateway of this role ("ingressgateway",
// "egressgateway") by the label istio=<role>. Of several, it takes the one in the control
// plane's namespace whose name ends with the role. If there is none, the error satisfies
// apierrors.IsNotFound.
func GatewayService(ctx context.Context, k kubernetes.Interface, role, namespace string) (*corev1.Service, error) {
	list, err := k.CoreV1().Services(metav1.NamespaceAll).List(ctx, metav1.ListOptions{LabelSelector: "istio=" + role})
	if err != nil {
		return nil, fmt.Errorf("list services with label istio=%s: %w", role, err)
	}
	if len(list.Items) == 0 {
		return nil, apierrors.NewNotFound(corev1.Resource("services"), "with label istio="+role)
	}
	if len(list.Items) == 1 {
		return &list.Items[0], nil
	}
	return preferred(list.Items, role, namespace)
}

func preferred(all []corev1.Service, role, namespace string) (*corev1.Service, error) {
	var names []string
	for i, s := range all {
		if s.Namespace == namespace && strings.HasSuffix(s.Name, role) {
			return &all[i], nil
		}
		names = append(names, s.Namespace+"/"+s.Name)
	}
	return nil, fmt.Errorf("services with label istio=%s: want one, or one in namespace %s named istio-%s, got %s", role, namespace, role, strings.Join(names, ", "))
}

// Gateway describes a gateway by its Service, without an external address.
func Gateway(s *corev1.Service) mesh.Gateway {
	return mesh.Gateway{Namespace: s.Namespace, Name: s.Name, Selector: s.Spec.Selector, Ports: servicePorts(s)}
}

// Place is an address at which a gateway may answer.
type Place struct {
	Host  string
	Ports map[int]int // Service port -> port on Host
	// Balancer says that Host is the address of the load balancer and not of a node.
	Balancer bool
}

// Unbalanced is nil for the address of a load balancer; otherwise it says which address is
// used instead.
func (p Place) Unbalanced() error {
	return unless(p.Balancer, "no load balancer address of the gateway's Service answers: node ports on %s are used", p.Host)
}

// Places lists the addresses at which this machine may reach a gateway's Service: those of
// its load balancer and, if it has none or all is true, its node ports on each node. The
// error says why there is none.
func Places(s *corev1.Service, nodes []corev1.Node, all bool) ([]Place, error) {
	var out []Place
	for _, in := range s.Status.LoadBalancer.Ingress {
		out = append(out, Place{Host: cmp.Or(in.IP, in.Hostname), Ports: servicePorts(s), Balancer: true})
	}
	if len(out) == 0 || all {
		out = append(out, onNodes(s, nodes)...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("gateway %s/%s: %w", s.Namespace, s.Name, noPlace(s, nodes))
	}
	return out, nil
}

func noPlace(s *corev1.Service, nodes []corev1.Node) error {
	switch {
	case s.Spec.Type == corev1.ServiceTypeClusterIP:
		return fmt.Errorf("type of its Service: want LoadBalancer or NodePort, got %s, which is not reachable from outside the cluster", s.Spec.Type)
	case len(nodePorts(s)) == 0:
		return fmt.Errorf("want a load balancer address or node ports, got neither (type %s)", s.Spec.Type)
	}
	return fmt.Errorf("want a load balancer address or the address of a node, got %d nodes without address", len(nodes))
}

func servicePorts(s *corev1.Service) map[int]int {
	out := map[int]int{}
	for _, p := range s.Spec.Ports {
		out[int(p.Port)] = int(p.Port)
	}
	return out
}

func nodePorts(s *corev1.Service) map[int]int {
	out := map[int]int{}
	for _, p := range s.Spec.Ports {
		if p.NodePort != 0 {
			out[int(p.Port)] = int(p.NodePort)
		}
	}
	return out
}

// onNodes lists the node ports on each node. Internal addresses come before external ones,
// because those of a cluster on this machine are reachable.
func onNodes(s *corev1.Service, nodes []corev1.Node) []Place {
	ports := nodePorts(s)
	if len(ports) == 0 {
		return nil
	}
	var out []Place
	for _, kind := range []corev1.NodeAddressType{corev1.NodeInternalIP, corev1.NodeExternalIP} {
		for _, n := range nodes {
			for _, a := range n.Status.Addresses {
				if a.Type == kind {
					out = append(out, Place{Host: a.Address, Ports: ports})
				}
			}
		}
	}
	return out
}

// Nodes lists the cluster's nodes.
func Nodes(ctx context.Context, k kubernetes.Interface) ([]corev1.Node, error) {
	list, err := k.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	return list.Items, nil
}

// Selector formats labels as a label selector.
func Selector(labels map[string]string) string {
	return metav1.FormatLabelSelector(metav1.SetAsLabelSelector(labels))
}

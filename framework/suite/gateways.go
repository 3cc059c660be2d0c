package suite

import "meshgate/framework/mesh"

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

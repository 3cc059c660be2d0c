package suite

import (
	"maps"
	"slices"

	"meshgate/framework/mesh"
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

// gateways are all that the mesh has.
func (e *Env) gateways() []mesh.Gateway {
	all := []mesh.Gateway{e.Mesh.Ingress}
	if e.Mesh.Egress.Present() {
		all = append(all, e.Mesh.Egress)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Mesh.Others)) {
		all = append(all, e.Mesh.Others[name])
	}
	return all
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

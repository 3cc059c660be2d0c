package runner

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

func (e *environment) Gateway(name string) mesh.Gateway {
	switch name {
	case "", ingressGateway:
		return e.mesh.Ingress
	case egressGateway:
		return e.mesh.Egress
	}
	return e.mesh.Others[name]
}

// gateways are all that the mesh has.
func (e *environment) gateways() []mesh.Gateway {
	all := []mesh.Gateway{e.mesh.Ingress}
	if e.mesh.Egress.Present() {
		all = append(all, e.mesh.Egress)
	}
	for _, name := range slices.Sorted(maps.Keys(e.mesh.Others)) {
		all = append(all, e.mesh.Others[name])
	}
	return all
}

// selectors are the labels of the pods of each gateway that fixtures may select.
func (e *environment) selectors() map[string]map[string]string {
	s := map[string]map[string]string{}
	for _, name := range []string{ingressGateway, egressGateway} {
		s[name] = e.Gateway(name).Selector
	}
	for name, g := range e.mesh.Others {
		s[name] = g.Selector
	}
	return s
}

package kind

import (
	"fmt"
	"slices"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster"
)

// parts are the components of the bundle from which a cluster is created.
type parts struct {
	node            bundle.Entry
	calico, metallb []bundle.Entry
	agent           *bundle.Entry
}

// partsOf reads the parts from the bundle. Without Calico the node image must have a CNI
// plugin; the bundle says whether it does, as the registry's image.
func partsOf(b *bundle.Bundle) (parts, error) {
	node, err := nodeEntry(b)
	if err != nil {
		return parts{}, err
	}
	p := parts{node: node, calico: b.Entries("calico"), metallb: b.Entries("metallb")}
	if _, spared := b.Spared("calico"); spared {
		p.calico = nil
	} else if len(p.calico) == 0 {
		return parts{}, fmt.Errorf("bundle %s has no calico, and its node image has no CNI plugin: run `meshgate bundle fill calico` to fetch it", b.Dir())
	}
	if len(p.metallb) == 0 {
		return parts{}, fmt.Errorf("bundle %s has no metallb, which gives gateways their addresses: run `meshgate bundle fill metallb` to fetch it", b.Dir())
	}
	if e, err := b.Entry(cluster.AgentImage); err == nil {
		p.agent = &e
	}
	return p, nil
}

// images are the images of the cluster itself, in the order in which they are needed.
func (p parts) images() []string {
	out := slices.Concat(imageNames(p.calico), imageNames(p.metallb))
	if p.agent != nil {
		out = append(out, p.agent.Name)
	}
	return out
}

// digests identify the parts from which a cluster was created. The agent is not among them,
// because it is loaded into a running cluster like any other image.
func (p parts) digests() map[string]string {
	d := map[string]string{}
	for _, e := range slices.Concat([]bundle.Entry{p.node}, p.calico, p.metallb) {
		d[e.Name] = e.Digest
	}
	return d
}

func imageNames(entries []bundle.Entry) []string {
	var names []string
	for _, e := range entries {
		if e.Kind == bundle.KindImage {
			names = append(names, e.Name)
		}
	}
	return names
}

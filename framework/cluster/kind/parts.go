package kind

import (
	"fmt"
	"slices"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster"
)

// parts is what the bundle contributes to a cluster.
type parts struct {
	node            bundle.Entry
	calico, metallb []bundle.Entry
	agent           *bundle.Entry
}

// partsOf takes the parts from the bundle. Without Calico the node image must
// bring a CNI, which the registry's does; the bundle says so.
func partsOf(b *bundle.Bundle) (parts, error) {
	node, err := nodeEntry(b)
	if err != nil {
		return parts{}, err
	}
	p := parts{node: node, calico: b.Entries("calico"), metallb: b.Entries("metallb")}
	if _, spared := b.Spared("calico"); spared {
		p.calico = nil
	} else if len(p.calico) == 0 {
		return parts{}, fmt.Errorf("bundle %s holds no calico, and its node image brings no network of its own: run `meshgate bundle` to fetch it", b.Dir())
	}
	if len(p.metallb) == 0 {
		return parts{}, fmt.Errorf("bundle %s holds no metallb, which gives gateways their addresses: run `meshgate bundle` to fetch it", b.Dir())
	}
	if e, err := b.Entry(cluster.AgentImage); err == nil {
		p.agent = &e
	}
	return p, nil
}

// images are those that the cluster itself needs, in the order of need.
func (p parts) images() []string {
	out := slices.Concat(imageNames(p.calico), imageNames(p.metallb))
	if p.agent != nil {
		out = append(out, p.agent.Name)
	}
	return out
}

// digests identify what a cluster was made of. The agent is not among them: it
// is loaded into a living cluster like any other image.
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

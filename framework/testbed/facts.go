package testbed

import (
	"meshgate/framework/mesh"
	"meshgate/framework/report"
)

// Facts describes the cluster and mesh on which the suites ran, for the report.
func (b *Bed) Facts() report.Facts {
	f := report.Facts{
		Cluster: report.ClusterFacts{
			Provider: b.Cluster.Provider, Name: b.Cluster.Name, Kubernetes: b.Cluster.KubernetesVersion,
			Nodes: b.Config.Cluster.Nodes, Created: b.Cluster.Created, Adaptations: b.Cluster.Facts,
		},
		Mesh: report.MeshFacts{
			Flavour: b.Mesh.Flavour, Version: b.Mesh.Version, Revision: b.Mesh.Revision,
			Namespace: b.Mesh.Namespace, Taken: b.Mesh.Taken, Notes: b.Mesh.Facts,
		},
	}
	for _, c := range mesh.Known() {
		fact := report.Capability{Name: string(c), Present: true}
		if err := b.Mesh.Has(c); err != nil {
			fact.Present, fact.Reason = false, err.Error()
		}
		f.Capabilities = append(f.Capabilities, fact)
	}
	if b.Bundle == nil {
		return f // nothing of it was needed
	}
	lock := b.Bundle.Lock()
	f.Bundle.Platform = lock.Platform
	for _, e := range lock.Entries {
		f.Bundle.Entries = append(f.Bundle.Entries, report.BundleEntry{
			Component: e.Component, Kind: string(e.Kind), Name: e.Name, Version: e.Version, Source: e.Source,
			Origin: e.Origin, Contains: e.Contains, Digest: e.Digest, Size: e.Size,
		})
	}
	return f
}

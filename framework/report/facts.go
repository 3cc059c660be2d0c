package report

// Facts is what the run ran on. Two reports can be compared only as far as
// their facts agree.
type Facts struct {
	Cluster ClusterFacts `json:"cluster"`
	Mesh    MeshFacts    `json:"mesh"`
	// Capabilities are all that were looked for, present or not.
	Capabilities []Capability `json:"capabilities,omitempty"`
	Bundle       BundleFacts  `json:"bundle"`
}

// ClusterFacts says where the cluster came from.
type ClusterFacts struct {
	Provider   string `json:"provider,omitempty"`
	Name       string `json:"name,omitempty"`
	Kubernetes string `json:"kubernetes,omitempty"`
	Engine     string `json:"engine,omitempty"`
	Nodes      int    `json:"nodes,omitempty"`
	// Created is true when this run made the cluster.
	Created bool `json:"created,omitempty"`
	// Adaptations are what had to be changed for this host, each said in words.
	Adaptations []string `json:"adaptations,omitempty"`
}

// MeshFacts says which mesh was asked.
type MeshFacts struct {
	Flavour   string `json:"flavour,omitempty"`
	Version   string `json:"version,omitempty"`
	Revision  string `json:"revision,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// Taken is true when the mesh was there before the run.
	Taken bool     `json:"taken,omitempty"`
	Notes []string `json:"notes,omitempty"`
}

// Capability is something a suite may need, and whether it is there.
type Capability struct {
	Name    string `json:"name"`
	Present bool   `json:"present"`
	// Reason is why it is absent.
	Reason string `json:"reason,omitempty"`
}

// BundleFacts says what was put into the cluster, by content.
type BundleFacts struct {
	Platform string        `json:"platform,omitempty"`
	Entries  []BundleEntry `json:"entries,omitempty"`
}

// BundleEntry is a line of the bundle's lock, with the lock's meanings.
type BundleEntry struct {
	Component string `json:"component"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Version   string `json:"version,omitempty"`
	Source    string `json:"source,omitempty"`
	Origin    string `json:"origin,omitempty"`
	// Contains is set only where the content is not the build its name says.
	Contains string `json:"contains,omitempty"`
	Digest   string `json:"digest"`
	Size     int64  `json:"size,omitempty"`
}

// Substitutions are the entries that are not the build their name says: a
// verdict holds for them, not for what they stand in for.
func (b BundleFacts) Substitutions() []BundleEntry {
	var out []BundleEntry
	for _, e := range b.Entries {
		if e.Contains != "" {
			out = append(out, e)
		}
	}
	return out
}

package archtest

// supplyRules keep apart what a cluster is made of, how that is built, and the
// clusters themselves.
func supplyRules() []ImportRule {
	return []ImportRule{
		{
			In:     []string{"./framework/bundle/..."},
			Forbid: []string{"./framework/cluster/...", "./framework/mesh/...", "./framework/testbed"}, Tests: true,
			Why: "clusters are made of what a bundle holds, so that a bundle knows nothing of clusters",
		},
		{
			In: []string{"./..."}, Except: []string{"./supply/..."},
			Forbid: []string{"./supply/..."}, Tests: true,
			Why: "meshgate knows a bundle, a registry, or nothing: what is built from source, and how an engine is installed, is run as a program (framework/supplier)",
		},
		{
			In:     []string{"./supply/..."},
			Forbid: []string{"./suites/...", "./defects/...", "./framework/suite", "./framework/mesh/...", "./framework/testbed", "./framework/cluster/kind/...", "./framework/report/..."}, Tests: true,
			Why: "what goes into a cluster is built without knowing what is asked of it",
		},
		{
			In:    []string{"./framework/machine", "./framework/lease"},
			Allow: []string{"github.com/gofrs/flock"},
			Why:   "facts about the machine and file locks are the ground floor: whatever needs them stands above them",
		},
	}
}

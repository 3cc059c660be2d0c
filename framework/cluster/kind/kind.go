// Package kind makes clusters of our own with kind's library, in whatever
// container engine this machine has, adapted to what the machine can give. It is
// the only package that imports kind.
package kind

import (
	"errors"
	"path/filepath"

	"meshgate/framework/cluster"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/wait"
)

// ProviderName is how the configuration spells this provider.
const ProviderName = "kind"

// Options say which cluster to make.
type Options struct {
	// Name is the cluster's name; containers and networks are named after it.
	Name string
	// Nodes is how many there are; the first is the control plane, and if it is
	// the only one it takes workloads too.
	Nodes int
	// Engine is the container engine to use, engine.Auto for the first usable.
	Engine engine.Kind
	// InstallEngine allows to install one where there is none and we are root.
	InstallEngine bool
	// Preload are images of the bundle that are brought in while the cluster is
	// made, when the machine has time for it: those of the mesh.
	Preload []string
	// Dir is the folder of all clusters' state; empty means cluster.Dir.
	Dir string
	// Budget bounds the waits.
	Budget wait.Budget
	// Runner runs the engine's command; nil means engine.Commands.
	Runner engine.Runner
}

// Provider is the cluster.Provider of one kind cluster.
type Provider struct {
	o     Options
	names names
}

var _ cluster.Provider = (*Provider)(nil)

// New checks the options. It touches neither machine nor engine.
func New(o Options) (*Provider, error) {
	if err := cluster.CheckName(o.Name); err != nil {
		return nil, err
	}
	if o.Nodes < 1 {
		return nil, errors.New("cluster nodes: want at least 1")
	}
	if o.Dir == "" {
		dir, err := cluster.Dir()
		if err != nil {
			return nil, err
		}
		o.Dir = dir
	}
	if o.Runner == nil {
		o.Runner = engine.Commands{}
	}
	return &Provider{o: o, names: names{cluster: o.Name, dir: filepath.Join(o.Dir, o.Name)}}, nil
}

// Name implements cluster.Provider.
func (p *Provider) Name() string { return ProviderName }

// Package kind creates clusters with kind's library, in the container engine of this machine
// and adapted to the machine's abilities. It is the only package that imports kind.
package kind

import (
	"errors"
	"path/filepath"

	"meshgate/framework/cluster"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/wait"
)

// ProviderName is the provider's name in the configuration.
const ProviderName = "kind"

// Options say which cluster to create.
type Options struct {
	// Name is the cluster's name; containers and networks are named after it.
	Name string
	// Nodes is the number of nodes. The first is the control plane; if it is the only one, it
	// runs workloads too.
	Nodes int
	// Engine is the container engine to use, engine.Auto for the first usable.
	Engine engine.Kind
	// Preload are images of the bundle that are imported during the creation, when the
	// machine has idle time: those of the mesh.
	Preload []string
	// Dir is the folder with the state of all clusters; empty means cluster.Dir.
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

// New checks the options. It changes nothing on the machine and does not call the engine.
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

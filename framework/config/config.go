// Package config turns flags, environment variables and a file into one Config.
// It is the only reader of them. Every setting stands in one table (see table.go),
// from which flags, variables, file keys, their validation and the documentation
// are made.
package config

import (
	"time"

	"meshgate/framework/wait"
)

// Config is what a run was asked to do. It is not changed after Load; the maps
// and slices in it are shared by its copies and must be left as they are.
type Config struct {
	Cluster Cluster
	Mesh    Mesh
	Bundle  Bundle
	Apps    Apps
	Names   Names
	Run     Run
	// Budget holds the limits in effect: what was set, multiplied by Run.Slow.
	Budget wait.Budget
}

// Cluster says where the cluster comes from.
type Cluster struct {
	Provider   string // kind or existing
	Name       string // of the cluster that provider kind makes
	Nodes      int    // how many, control plane included
	Kubeconfig string // for provider existing; empty means $KUBECONFIG, then the user's own
	Context    string // in the kubeconfig; empty means the current one
	Engine     string // auto, docker, podman or nerdctl
	// InstallEngine allows to install an engine where none is there.
	InstallEngine bool
}

// Mesh says which mesh to test.
type Mesh struct {
	Flavour  string         // istio (installed by the run) or existing (taken as it is)
	Version  string         // "1.31" or "1.22"; for existing, "" or what must be found
	Revision string         // "" means the default revision
	Values   map[string]any // merged into istiod's Helm values
}

// Bundle says where images and charts come from.
type Bundle struct {
	Source  string // auto, cached, registry, source or archive
	Dir     string // "" means the user's cache directory
	Mirror  string // a registry to ask in place of the public ones, "" means none
	Archive string // the file that source archive reads
}

// Apps says which builds of the example applications are deployed.
type Apps struct {
	Images string // ours or upstream
}

// Names are the names that the objects of the suites have. The defaults are those of the
// worked examples that docs/spec/README.md calls "Mesh patterns", so that whoever knows these
// finds the same names.
type Names struct {
	BookinfoNamespace, ControlPlaneNamespace, ControlPlaneName, ControlPlaneRouteName string
}

// DefaultHold is how long is held where nobody says how long.
const DefaultHold = time.Hour

// Run says what is run and what becomes of it.
type Run struct {
	Keep        bool              // leave cluster and mesh in place at the end
	RequireFull bool              // a skipped feature fails the verdict
	Report      string            // directory of the reports
	Retain      int               // how many finished runs stay in it, the newest; 0 means all
	Suites      []string          // empty means all
	Feature     string            // regular expression on feature names, "" means all
	Labels      map[string]string // only features that carry all of these
	Slow        float64           // the factor on every limit of the budget
	Hold        time.Duration     // how long the first feature that fails is held; 0 means not at all
}

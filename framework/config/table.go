package config

import (
	"strings"
	"time"

	"meshgate/framework/wait"
)

// setting is one line of the table.
type setting struct {
	group Group  // what it is about; help lists flags by it
	key   string // place in the file, "cluster.provider"
	flag  string // without dashes; empty for what is set by file or environment only
	def   string // as it would be written; empty means unset
	help  string
	value
}

// prefix is what every environment variable of ours begins with.
const prefix = "MESHGATE_"

// maxRetain is more runs than anybody reads; beyond it, keep all.
const maxRetain = 10000

// defaultHold is DefaultHold, as it is written.
const defaultHold = "1h"

// fileFlag and fileVariable name the file of settings; they cannot be in it.
const (
	fileFlag     = "config"
	fileVariable = prefix + "CONFIG"
)

// variable is the environment variable of a setting: that of its flag, or of its
// place in the file when it has no flag.
func (s setting) variable() string {
	name := s.flag
	if name == "" {
		name = s.key
	}
	return prefix + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
}

// usage is the line of help for the flag of a setting.
func (s setting) usage() string {
	if s.kind == "bool" || s.want == wantAny {
		return s.help
	}
	return s.help + ": " + s.want
}

// settings is the table. A new setting is a field of Config and a line here; which
// commands have its flag is said in commands.go.
func settings() []setting {
	var all []setting
	for _, group := range [][]setting{
		clusterSettings(), meshSettings(), bundleSettings(), nameSettings(), runSettings(), budgetSettings(),
	} {
		all = append(all, group...)
	}
	return all
}

func clusterSettings() []setting {
	return []setting{
		{GroupCluster, "cluster.provider", "provider", "kind", "where the cluster comes from",
			oneOf(func(c *Config) *string { return &c.Cluster.Provider }, "kind", "existing")},
		{GroupCluster, "cluster.name", "cluster", "meshgate", "name of the cluster that provider kind makes",
			label(func(c *Config) *string { return &c.Cluster.Name })},
		{GroupCluster, "cluster.nodes", "nodes", "1", "nodes of that cluster, the control plane included",
			whole(func(c *Config) *int { return &c.Cluster.Nodes }, 1, 5)},
		{GroupCluster, "cluster.kubeconfig", "kubeconfig", "", "kubeconfig for provider existing; unset: $KUBECONFIG, then ~/.kube/config",
			existingFile(func(c *Config) *string { return &c.Cluster.Kubeconfig })},
		{GroupCluster, "cluster.context", "context", "", "context in the kubeconfig; unset: the current one",
			anyText(func(c *Config) *string { return &c.Cluster.Context })},
		{GroupCluster, "cluster.engine", "engine", "auto", "container engine that runs the nodes",
			oneOf(func(c *Config) *string { return &c.Cluster.Engine }, "auto", "docker", "podman", "nerdctl")},
		{GroupCluster, "cluster.install_engine", "install-engine", "false", "where none is there: as root on Debian or Ubuntu, install docker.io with apt-get",
			yesNo(func(c *Config) *bool { return &c.Cluster.InstallEngine })},
	}
}

func meshSettings() []setting {
	return []setting{
		{GroupMesh, "mesh.flavour", "mesh", "istio", "which mesh: istio is installed by the run, existing is taken as it is",
			oneOf(func(c *Config) *string { return &c.Mesh.Flavour }, "istio", "existing")},
		{GroupMesh, "mesh.version", "mesh-version", "", "version to install, or that an existing mesh must have; unset: 1.31 for istio",
			minorVersion(func(c *Config) *string { return &c.Mesh.Version }, "1.31", "1.22")},
		{GroupMesh, "mesh.revision", "revision", "", "revision of the control plane; unset: the default one",
			optional(label(func(c *Config) *string { return &c.Mesh.Revision }))},
		{GroupMesh, "mesh.values", "mesh-values", "", "merged into istiod's Helm values",
			document(func(c *Config) *map[string]any { return &c.Mesh.Values })},
	}
}

func bundleSettings() []setting {
	return []setting{
		{GroupImages, "bundle.source", "bundle", "auto", "where images and charts come from; auto: cached, else registry, else source",
			oneOf(func(c *Config) *string { return &c.Bundle.Source }, "auto", "cached", "registry", "source", "archive")},
		{GroupImages, "bundle.dir", "bundle-dir", "", "directory of the bundle; unset: in the user's cache directory",
			anyText(func(c *Config) *string { return &c.Bundle.Dir })},
		{GroupImages, "bundle.mirror", "registry-mirror", "", "registry asked in place of the public ones",
			mirror(func(c *Config) *string { return &c.Bundle.Mirror })},
		{GroupImages, "bundle.archive", "archive", "", "saved bundle that source archive reads",
			existingFile(func(c *Config) *string { return &c.Bundle.Archive })},
		{GroupImages, "apps.images", "images", "ours", "builds of the example applications",
			oneOf(func(c *Config) *string { return &c.Apps.Images }, "ours", "upstream")},
	}
}

func nameSettings() []setting {
	return []setting{
		{GroupNames, "names.bookinfo_namespace", "bookinfo-namespace", "bookinfo", "namespace of the bookinfo application",
			label(func(c *Config) *string { return &c.Names.BookinfoNamespace })},
		{GroupNames, "names.control_plane_namespace", "control-plane-namespace", "istio-system", "namespace of the control plane and its gateways",
			label(func(c *Config) *string { return &c.Names.ControlPlaneNamespace })},
		{GroupNames, "names.control_plane_name", "control-plane-name", "basic-install", "name of the control plane",
			label(func(c *Config) *string { return &c.Names.ControlPlaneName })},
		{GroupNames, "names.control_plane_route_name", "control-plane-route-name", "api", "name of the route to the ingress gateway",
			label(func(c *Config) *string { return &c.Names.ControlPlaneRouteName })},
	}
}

func runSettings() []setting {
	return []setting{
		{GroupCluster, "run.keep", "keep", "false", "leave cluster and mesh in place at the end",
			yesNo(func(c *Config) *bool { return &c.Run.Keep })},
		{GroupReport, "run.require_full", "require-full", "false", "a run with skipped features does not pass",
			yesNo(func(c *Config) *bool { return &c.Run.RequireFull })},
		{GroupReport, "run.report", "report", "report", "directory of the reports",
			someText(func(c *Config) *string { return &c.Run.Report })},
		{GroupReport, "run.retain", "retain", "0", "finished runs kept in the directory of the reports, the newest ones; 0: all",
			whole(func(c *Config) *int { return &c.Run.Retain }, 0, maxRetain)},
		{GroupSelection, "run.suites", "suite", "", "suites to run; unset: all",
			words(func(c *Config) *[]string { return &c.Run.Suites })},
		{GroupSelection, "run.feature", "feature", "", "features to run, by name; unset: all",
			pattern(func(c *Config) *string { return &c.Run.Feature })},
		{GroupSelection, "run.labels", "labels", "", "only features that carry all of these labels",
			pairs(func(c *Config) *map[string]string { return &c.Run.Labels })},
		{GroupDeadlines, "run.slow", "slow", "1", "factor on every limit of the budget, for slower clusters",
			factor(func(c *Config) *float64 { return &c.Run.Slow }, 0.1, 20)},
		{GroupDeadlines, "run.hold", "hold", "0s", "how long the first feature that fails is held as it is, or until Enter; 0s: not at all",
			pause(func(c *Config) *time.Duration { return &c.Run.Hold }, defaultHold)},
	}
}

func budgetSettings() []setting {
	d := wait.DefaultBudget()
	line := func(name string, def time.Duration, help string, at func(*wait.Budget) *time.Duration) setting {
		return setting{GroupDeadlines, "budget." + name, "", def.String(), help,
			span(func(c *Config) *time.Duration { return at(&c.Budget) })}
	}
	return []setting{
		line("programmed", d.Programmed, "configuration applied → every proxy concerned has it", func(b *wait.Budget) *time.Duration { return &b.Programmed }),
		line("converged", d.Converged, "proxies have it → the effect is seen from outside", func(b *wait.Budget) *time.Duration { return &b.Converged }),
		line("settled", d.Settled, "how long what must stay true is watched", func(b *wait.Budget) *time.Duration { return &b.Settled }),
		line("ready", d.Ready, "workload created → all replicas available", func(b *wait.Budget) *time.Duration { return &b.Ready }),
		line("image", d.Image, "one image put into every node", func(b *wait.Budget) *time.Duration { return &b.Image }),
		line("cluster_up", d.ClusterUp, "cluster asked for → nodes ready", func(b *wait.Budget) *time.Duration { return &b.ClusterUp }),
		line("mesh_up", d.MeshUp, "mesh asked for → its gateways answer", func(b *wait.Budget) *time.Duration { return &b.MeshUp }),
		line("deletion", d.Deletion, "deletion asked for → object gone", func(b *wait.Budget) *time.Duration { return &b.Deletion }),
		line("probe", d.Probe, "one request, from dialling to the last byte", func(b *wait.Budget) *time.Duration { return &b.Probe }),
		line("log_flush", d.LogFlush, "request ended → its line is in the proxy's log", func(b *wait.Budget) *time.Duration { return &b.LogFlush }),
	}
}

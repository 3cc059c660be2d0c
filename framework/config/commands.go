package config

import (
	"slices"

	"github.com/spf13/pflag"
)

// Group is what a setting is about. Help lists flags by it.
type Group string

// The groups, as they are titled in a command's help.
const (
	GroupCluster   Group = "Cluster"
	GroupMesh      Group = "Mesh"
	GroupImages    Group = "Images"
	GroupNames     Group = "Names of objects"
	GroupSelection Group = "Selection"
	GroupReport    Group = "Report"
	GroupDeadlines Group = "Deadlines"
	GroupGeneral   Group = "General"
)

// Groups lists the groups in the order of a command's help.
func Groups() []Group {
	return []Group{GroupCluster, GroupMesh, GroupImages, GroupNames, GroupSelection, GroupReport, GroupDeadlines, GroupGeneral}
}

// Command is a command and the flags that it has. A flag stands only at the commands
// that use its setting; the environment and the file may hold every setting for every
// command, because they are shared.
type Command struct {
	// Name is the words after "meshgate", "bundle fill".
	Name string
	// groups are the groups of settings of which it uses each.
	groups []Group
	// flags are single settings of other groups that it uses, by flag.
	flags []string
	// own are the flags that are no settings.
	own []option
}

// option is a flag of one command, which neither file nor environment can give.
type option struct {
	flag string
	def  any // bool, int or string, which is the flag's type
	help string
	// want is what is accepted, for the documentation.
	want string
}

// Commands is the table of the commands that have flags, in the order of help.
func Commands() []Command {
	bed := []Group{GroupCluster, GroupMesh, GroupImages, GroupNames}
	return []Command{
		{Name: "run", groups: Groups()},
		{Name: "replay", groups: append(slices.Clone(bed), GroupDeadlines)},
		{Name: "up", groups: []Group{GroupMesh, GroupImages}, flags: append(clusterFlags(), "nodes", "install-engine", "control-plane-namespace", "suite", "slow")},
		{Name: "down", flags: append(clusterFlags(), "mesh", "mesh-version", "revision", "control-plane-namespace", "slow"), own: []option{
			{"node-images", false, "also remove the node images that the container engine keeps for the next cluster", "true or false"},
		}},
		{Name: "doctor", flags: []string{"provider", "engine", "mesh", "mesh-version", "bundle-dir"}, own: []option{
			{"fix", false, "install and start a container engine where there is none (root, Debian or Ubuntu)", "true or false"},
		}},
		{Name: "sabotage", groups: append(slices.Clone(bed), GroupSelection, GroupReport), flags: []string{"slow"}, own: sabotageOptions()},
		{Name: "soak", groups: Groups(), own: []option{
			{"runs", 10, "how often each feature is asked", "a whole number, 1 or more"},
			{"disturb", "", "what is done to the infrastructure meanwhile; unset: nothing", "one of busy, pods, istiod, apiserver"},
		}},
		{Name: "report show", flags: []string{"report"}},
		{Name: "report diff", own: []option{{"json", false, "as a JSON document, meshgate.report-diff/v1", "true or false"}}},
		{Name: "bundle fill", flags: []string{"bundle", "bundle-dir", "registry-mirror", "archive"}},
		{Name: "bundle list", flags: []string{"bundle-dir"}},
		{Name: "bundle verify", flags: []string{"bundle-dir"}},
		{Name: "bundle save", flags: []string{"bundle-dir"}},
		{Name: "bundle load", flags: []string{"bundle-dir"}},
		{Name: "version", flags: []string{"bundle-dir"}, own: []option{{"json", false, "as a JSON document", "true or false"}}},
	}
}

// clusterFlags are those that say which cluster is meant.
func clusterFlags() []string {
	return []string{"provider", "cluster", "kubeconfig", "context", "engine"}
}

func sabotageOptions() []option {
	return []option{
		{"nth", -1, "of each feature's sabotages only this one, counted from 0 (a feature with fewer takes its last), and no defects", "a whole number, 0 or more; unset: all"},
		{"fixtures-only", false, "leave the defects of the mesh out", "true or false"},
		{"defects", "", "only the defects whose name matches, and no sabotages", "a regular expression"},
		{"revert", false, "make nothing wrong: only take the defects out of the mesh that an interrupted run has left in it", "true or false"},
	}
}

// uses tells whether a command has the flag of a setting.
func (c Command) uses(s setting) bool {
	return s.flag != "" && (slices.Contains(c.groups, s.group) || slices.Contains(c.flags, s.flag))
}

// configured tells whether a command reads settings at all.
func (c Command) configured() bool { return len(c.groups)+len(c.flags) > 0 }

// has tells whether a command has a flag of that name, for a setting or of its own.
func (c Command) has(flag string) bool {
	return flag == fileFlag && c.configured() ||
		slices.ContainsFunc(c.own, func(o option) bool { return o.flag == flag }) ||
		slices.ContainsFunc(settings(), func(s setting) bool { return s.flag == flag && c.uses(s) })
}

// having lists the commands that have a flag of that name.
func having(flag string) []string {
	var names []string
	for _, c := range Commands() {
		if c.has(flag) {
			names = append(names, c.Name)
		}
	}
	return names
}

// declare declares the flag of a command's own; into points to where its value goes.
func (o option) declare(fs *pflag.FlagSet, into any) {
	switch into := into.(type) {
	case *bool:
		fs.BoolVar(into, o.flag, o.def.(bool), o.help)
	case *int:
		fs.IntVar(into, o.flag, o.def.(int), o.help+": "+o.want)
	case *string:
		fs.StringVar(into, o.flag, o.def.(string), o.help+": "+o.want)
	}
}

// verbose is the one flag that every command has.
func verbose() option {
	return option{"verbose", false, "tell what became of each step, not only of each feature", "true or false"}
}

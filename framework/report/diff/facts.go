package diff

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"meshgate/framework/report"
)

// named is what is compared line by line: names, and what they stand for.
type named struct{ name, value string }

// changes are the names of which the values differ, in the order of a, then of b.
func changes(a, b []named) []Change {
	was, is := values(a), values(b)
	out := []Change{}
	done := map[string]bool{}
	for _, n := range slices.Concat(a, b) {
		if !done[n.name] && was[n.name] != is[n.name] {
			out = append(out, Change{n.name, was[n.name], is[n.name]})
		}
		done[n.name] = true
	}
	return out
}

// values joins what has the same name.
func values(all []named) map[string]string {
	out := map[string]string{}
	for _, n := range all {
		if out[n.name] != "" {
			n.value = out[n.name] + "; " + n.value
		}
		out[n.name] = n.value
	}
	return out
}

// facts are what a run stood on. Who made the cluster, and names of clusters and runs,
// say nothing about the outcome.
func facts(run report.Run) []named {
	m, c := run.Facts.Mesh, run.Facts.Cluster
	out := []named{
		{"mesh", m.Flavour}, {"mesh version", m.Version}, {"mesh revision", m.Revision}, {"mesh notes", strings.Join(m.Notes, "; ")},
		{"Kubernetes", c.Kubernetes}, {"provider", c.Provider}, {"engine", c.Engine}, {"nodes", count(c.Nodes)},
		{"meshgate", run.Meshgate.Version}, {"meshgate commit", run.Meshgate.Commit}, {"bundle platform", run.Facts.Bundle.Platform},
	}
	for _, c := range run.Facts.Capabilities {
		out = append(out, named{"capability " + c.Name, presence(c)})
	}
	for _, e := range run.Facts.Bundle.Entries {
		out = append(out, named{fmt.Sprintf("bundle %s %s %s", e.Component, e.Kind, untagged(e)), content(e)})
	}
	for _, a := range c.Adaptations {
		out = append(out, named{"adaptation: " + a, "yes"})
	}
	return out
}

func count(n int) string {
	if n == 0 {
		return "" // not known
	}
	return strconv.Itoa(n)
}

func presence(c report.Capability) string {
	if c.Present {
		return "present"
	}
	return "absent: " + c.Reason
}

// untagged is an entry's name without its version, so that an upgrade is one change and
// not one that went and one that came.
func untagged(e report.BundleEntry) string {
	if e.Version == "" {
		return e.Name
	}
	return strings.TrimSuffix(strings.TrimSuffix(e.Name, e.Version), ":")
}

// content is an entry by what it holds; where it came from does not change that.
func content(e report.BundleEntry) string {
	digest := e.Digest
	if at := strings.IndexByte(digest, ':') + 13; len(digest) > at {
		digest = digest[:at]
	}
	text := strings.TrimSpace(e.Version + " " + digest)
	if e.Contains != "" {
		text += " (" + e.Contains + ")"
	}
	return text
}

// broken are the phases and suites that ended in an error.
func broken(run report.Run) []named {
	var out []named
	for _, p := range run.Phases {
		if p.Error != "" {
			out = append(out, named{"phase " + p.Name, p.Error})
		}
	}
	for _, s := range run.Suites {
		if s.Error != "" {
			out = append(out, named{"suite " + s.Name, s.Error})
		}
	}
	return out
}

// narrowed is what a run was told to leave out; how much was offered is no telling.
func narrowed(run report.Run) report.Selection {
	sel := run.Selection
	sel.Offered = 0
	return sel
}

// leavesOut tells whether a run was told not to ask a feature. Reports hold no labels of
// features, so a run that selects by labels may have left out any.
func leavesOut(run report.Run, p Place) bool {
	sel := run.Selection
	if len(sel.Suites) > 0 && !slices.Contains(sel.Suites, p.Suite) {
		return true
	}
	if matched, err := regexp.MatchString(sel.Feature, p.Feature); err == nil && !matched {
		return true
	}
	return len(sel.Labels) > 0
}

func filters(run report.Run) string {
	sel := run.Selection
	var out []string
	if len(sel.Suites) > 0 {
		out = append(out, "suites "+strings.Join(sel.Suites, ", "))
	}
	if sel.Feature != "" {
		out = append(out, "features "+strconv.Quote(sel.Feature))
	}
	for _, key := range slices.Sorted(maps.Keys(sel.Labels)) {
		out = append(out, "label "+key+"="+sel.Labels[key])
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, " and ")
}

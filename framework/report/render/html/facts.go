package html

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"meshgate/framework/report"
	"meshgate/framework/shell"
)

// fact is a name and what it is.
type fact struct{ Name, Value string }

type phaseView struct {
	Name, Took, Error string
	Notes             []string
}

// factsView is what the run was and what it ran on.
type factsView struct {
	Run, Cluster, Mesh []fact
	Adaptations, Notes []string
	Capabilities       []report.Capability
	Command, Again     string // Again is empty where it is Command
	Config             string
	Platform           string
	Bundle             []report.BundleEntry
	Substituted        []report.BundleEntry
}

func phasesOf(t *texts, phases []report.Phase) []phaseView {
	var out []phaseView
	for _, p := range phases {
		out = append(out, phaseView{t.line(p.Name), p.Took.String(), t.block(p.Error), t.lines(p.Notes)})
	}
	return out
}

// headline is what a release manager has to know to read the verdict.
func headline(t *texts, run report.Run) []fact {
	m, c := run.Facts.Mesh, run.Facts.Cluster
	return present(t,
		fact{"Mesh", strings.TrimSpace(m.Flavour + " " + m.Version)},
		fact{"Kubernetes", c.Kubernetes},
		fact{"Provider", c.Provider},
		fact{"Started", moment(run.Started)},
		fact{"Took", took(run)},
		fact{"Meshgate", commitOf(run.Meshgate)},
		fact{"Substituted", substituted(len(run.Facts.Bundle.Substitutions()))})
}

func factsOf(t *texts, run report.Run) factsView {
	c, m, b := run.Facts.Cluster, run.Facts.Mesh, run.Facts.Bundle
	v := factsView{
		Run: present(t, fact{"ID", run.ID}, fact{"Started", moment(run.Started)}, fact{"Ended", moment(run.Ended)}, fact{"Took", took(run)},
			fact{"Meshgate", run.Meshgate.Version}, fact{"Commit", commitOf(run.Meshgate)}, fact{"Go", run.Meshgate.Go},
			fact{"Selection", run.Selection.Filters()}, fact{"Offered", report.NumberOfFeatures(run.Selection.Offered)}, fact{"Interrupted by", run.Interrupted}),
		Cluster: present(t, fact{"Provider", c.Provider}, fact{"Name", c.Name}, fact{"Kubernetes", c.Kubernetes}, fact{"Engine", c.Engine},
			fact{"Nodes", number(c.Nodes)}, fact{"Made by this run", yes(c.Created)}),
		Mesh: present(t, fact{"Flavour", m.Flavour}, fact{"Version", m.Version}, fact{"Revision", m.Revision}, fact{"Namespace", m.Namespace},
			fact{"There before the run", yes(m.Taken)}),
		Adaptations: t.lines(c.Adaptations), Notes: t.lines(m.Notes), Command: t.block(shell.Join(run.Command...)), Platform: t.line(b.Platform),
		Bundle: entries(t, b.Entries), Substituted: entries(t, b.Substitutions()),
	}
	if again := run.Reproduce(); again != shell.Join(run.Command...) {
		v.Again = t.block(again)
	}
	for _, c := range run.Facts.Capabilities {
		v.Capabilities = append(v.Capabilities, report.Capability{Name: t.line(c.Name), Present: c.Present, Reason: t.line(c.Reason)})
	}
	if config, err := json.Marshal(run.Config); err == nil && len(run.Config) > 0 {
		v.Config = t.document(config)
	}
	return v
}

// present leaves out what is not known.
func present(t *texts, all ...fact) []fact {
	var out []fact
	for _, f := range all {
		if f.Value != "" {
			out = append(out, fact{f.Name, t.line(f.Value)})
		}
	}
	return out
}

func entries(t *texts, all []report.BundleEntry) []report.BundleEntry {
	out := make([]report.BundleEntry, 0, len(all))
	for _, e := range all {
		e.Component, e.Kind, e.Name, e.Version = t.line(e.Component), t.line(e.Kind), t.line(e.Name), t.line(e.Version)
		e.Origin, e.Source, e.Contains, e.Digest = t.line(e.Origin), t.line(e.Source), t.line(e.Contains), t.line(e.Digest)
		out = append(out, e)
	}
	return out
}

func commitOf(b report.Build) string {
	commit := b.Commit
	if len(commit) > 12 {
		commit = commit[:12]
	}
	if commit != "" && b.Modified {
		commit += ", changed since"
	}
	return commit
}

func substituted(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d in the bundle", n)
}

func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02 15:04:05 MST")
}

func took(run report.Run) string {
	if run.Ended.IsZero() {
		return "not ended"
	}
	return report.Seconds(run.Ended.Sub(run.Started)).String()
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

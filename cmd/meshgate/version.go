package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"meshgate/framework/bundle"
	"meshgate/framework/config"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// versionSchema is that of `meshgate version --json`.
const versionSchema = "meshgate.version/v1"

// versions is what this program is, and what its bundle puts into a cluster.
type versions struct {
	Schema   string   `json:"schema"`
	Program  program  `json:"meshgate"`
	Bundle   *bundled `json:"bundle,omitempty"`
	NoBundle string   `json:"noBundle,omitempty"` // why there is none
}

// program is the build of meshgate; Commit is empty where the build did not record one.
type program struct {
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// bundled is what the lock of the bundle says.
type bundled struct {
	Platform   string      `json:"platform"`
	Components []component `json:"components"`
}

type component struct {
	Name     string   `json:"name"`
	Software string   `json:"software"`
	Version  string   `json:"version"`
	Source   string   `json:"source"`
	Contains []string `json:"contains,omitempty"` // what is not the build that its name says
}

func (a *app) version() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the commit of this program, and the versions in its bundle",
		Long: `Prints the commit and the Go version that this program was built from, and whether the
checkout was modified; then the versions of Kubernetes, Istio, Envoy and the rest that the
lock of the bundle names. A bundle that is not there is no error: that is printed instead.`,
		Args: between(0, 0),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			return a.showVersions(versionsOf(cfg.Bundle.Dir), asJSON)
		},
	}
	return a.configured(c, "version", config.Own{"json": &asJSON})
}

// programOf is this build.
func programOf() program {
	p := program{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return p
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			p.Commit = s.Value
		case "vcs.modified":
			p.Modified = s.Value == "true"
		}
	}
	return p
}

func versionsOf(dir string) versions {
	v := versions{Schema: versionSchema, Program: programOf()}
	b, err := bundle.Open(dir)
	if err != nil {
		v.NoBundle = err.Error()
		return v
	}
	defer b.Close()
	v.Bundle = bundledIn(b.Lock())
	return v
}

// bundledIn has a line for each component and version of a lock.
func bundledIn(l bundle.Lock) *bundled {
	out := &bundled{Platform: l.Platform}
	for _, e := range l.Entries {
		last := len(out.Components) - 1
		if last < 0 || out.Components[last].Name != e.Component || out.Components[last].Version != e.Version {
			out.Components = append(out.Components, component{Name: e.Component, Software: software(e.Component), Version: e.Version, Source: e.Source})
			last++
		}
		if e.Contains != "" {
			out.Components[last].Contains = append(out.Components[last].Contains, e.Name+" contains "+e.Contains)
		}
	}
	return out
}

// software is what a component's version is a version of.
func software(component string) string {
	name, _, _ := strings.Cut(component, "-")
	known := map[string]string{
		"node": "Kubernetes", "calico": "Calico", "metallb": "MetalLB", "istio": "Istio and Envoy",
		"mongodb": "MongoDB", "apps": "meshgate's applications",
	}
	if s, ok := known[name]; ok {
		return s
	}
	return component
}

func (a *app) showVersions(v versions, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(a.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(v)
	}
	_, err := fmt.Fprintf(a.out, "meshgate %s\n%s\n", v.Program, v.bundleText())
	return err
}

func (p program) String() string {
	commit := p.Commit + ", not modified"
	switch {
	case p.Commit == "":
		commit = "not recorded in this build"
	case p.Modified:
		commit = p.Commit + ", modified"
	}
	return "commit " + commit + ", " + p.Go + ", " + p.Platform
}

func (v versions) bundleText() string {
	if v.Bundle == nil {
		return v.NoBundle
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.SetTitle("bundle for " + v.Bundle.Platform)
	t.AppendHeader(table.Row{"SOFTWARE", "VERSION", "COMPONENT", "SOURCE"})
	var notes []string
	for _, c := range v.Bundle.Components {
		t.AppendRow(table.Row{c.Software, c.Version, c.Name, c.Source})
		for _, text := range c.Contains {
			notes = append(notes, "\n  "+text)
		}
	}
	return t.Render() + strings.Join(notes, "")
}

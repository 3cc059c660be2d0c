package main

import (
	"context"
	"fmt"
	"io"

	"meshgate/framework/cluster/doctor"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/config"
	"meshgate/framework/report"
	"meshgate/framework/supplier"
	"meshgate/framework/testbed"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

func (a *app) doctor() *cobra.Command {
	var fix bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine lacks for a kind cluster, with the command that repairs it",
		Args:  between(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			if fix {
				if err := a.installEngine(c.Context(), cfg); err != nil {
					return err
				}
			}
			return a.examine(c.Context(), cfg)
		},
	}
	return a.configured(c, "doctor", config.Own{"fix": &fix})
}

func (a *app) installEngine(ctx context.Context, cfg config.Config) error {
	phase := a.log.Begin("container engine")
	err := supplier.Find().EnsureEngine(ctx, engine.Commands{}, engine.Kind(cfg.Cluster.Engine), true, phase)
	phase.End(err)
	return err
}

// builder says who can complete the bundle. That nobody can build it here is no fault:
// a registry or an archive may have everything.
func builder(cached bool, p supplier.Program) doctor.Finding {
	f := doctor.Finding{Name: "bundle", OK: true, Saw: "all components are in the cache"}
	switch {
	case cached:
	case p.Path != "":
		f.Saw = "not complete; what no registry has, " + p.Path + " builds"
	default:
		f.Saw = "not complete, and there is no " + supplier.ProgramName + " to build it (`make build` makes it)"
	}
	return f
}

// examine prints the findings; one that is not OK makes the exit code 2.
func (a *app) examine(ctx context.Context, cfg config.Config) error {
	dir, err := testbed.BundleDir(cfg.Bundle)
	if err != nil {
		return err
	}
	needs, cached := doctor.Warm(), testbed.Cached(cfg)
	if !cached {
		needs = doctor.Cold()
	}
	findings, err := doctor.Check(ctx, doctor.Options{Engine: engine.Kind(cfg.Cluster.Engine), CacheDir: dir, Needs: needs})
	if err != nil {
		return err
	}
	findings = append(findings, builder(cached, supplier.Find()))
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"", "CHECK", "SAW", "WANT", "DO"})
	for _, f := range findings {
		mark := "ok"
		if !f.OK {
			mark, a.exit = "BAD", report.ExitInfrastructure
		}
		t.AppendRow(table.Row{mark, f.Name, f.Saw, f.Want, f.Fix})
	}
	if _, err := io.WriteString(a.out, t.Render()+"\n"); err != nil {
		return err
	}
	if n := len(doctor.Failed(findings)); n > 0 {
		fmt.Fprintf(a.out, "%d of %d are in the way\n", n, len(findings))
	}
	return nil
}

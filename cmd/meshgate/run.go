package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"meshgate/framework/config"
	"meshgate/framework/report"
	"meshgate/framework/runner"
	"meshgate/framework/suite"
	"meshgate/framework/testbed"
	"meshgate/suites"

	"github.com/spf13/cobra"
)

func (a *app) run() *cobra.Command {
	return a.configured(&cobra.Command{
		Use:   "run",
		Short: "Stand everything up, run the suites, give the verdict",
		Long: `Stands everything up, runs the suites, gives the verdict, and removes what it made.

With --hold the first feature that fails is not cleaned up at once: when its evidence is
captured, the requests of the step that failed are printed as commands (curl, mongosh,
openssl, the agent in a pod), with how to reach the cluster, and everything stays as it is
until Enter, at most an hour, or as long as --hold=30m says. The other features go on,
but for those that are to be alone. Ctrl-C ends the run as always. meshgate replay stands
it up again later.`,
		Args: between(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, chosen, err := a.asked()
			if err != nil {
				return err
			}
			output, err := testOutput(cfg.Run.Report)
			if err != nil {
				return err
			}
			defer output.Close()
			a.exit = runner.Run(c.Context(), a.options(cfg, output), chosen...).Verdict.Exit
			return nil
		},
	}, "run", nil)
}

// runWith has rounds run on suites that are set up once; the report's verdict is the exit
// code.
func (a *app) runWith(c *cobra.Command, cfg config.Config, wrong bool, chosen []suite.Suite, rounds func(*runner.Session, *report.Run) error) error {
	output, err := testOutput(cfg.Run.Report)
	if err != nil {
		return err
	}
	defer output.Close()
	if wrong {
		cfg.Run.Hold = 0 // what is broken on purpose is not held
	}
	o := a.options(cfg, output)
	a.exit = runner.RunWith(c.Context(), o, chosen, rounds).Verdict.Exit
	return nil
}

func (a *app) options(cfg config.Config, output *os.File) runner.Options {
	return runner.Options{Config: cfg, Log: a.log, In: a.in, Out: a.out, Output: output, Verbose: a.verbose}
}

// asked are the configuration and the suites that it names.
func (a *app) asked() (config.Config, []suite.Suite, error) {
	cfg, err := a.config()
	if err != nil {
		return cfg, nil, err
	}
	chosen, err := selected(cfg.Run)
	return cfg, chosen, err
}

// selected are the suites that the configuration names; none named means all.
func selected(run config.Run) ([]suite.Suite, error) {
	all := suites.All()
	if len(run.Suites) == 0 {
		return all, nil
	}
	var chosen []suite.Suite
	for _, name := range run.Suites {
		i := slices.IndexFunc(all, func(s suite.Suite) bool { return s.Name == name })
		if i < 0 {
			return nil, &commandError{fmt.Sprintf("suite: want one of [%s], got %q", strings.Join(names(all), ", "), name)}
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func names(all []suite.Suite) []string {
	var out []string
	for _, s := range all {
		out = append(out, s.Name)
	}
	return out
}

// testOutput is the file for what package testing prints.
func testOutput(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("report directory: %w: choose another with --report", err)
	}
	f, err := os.Create(filepath.Join(dir, "test-output.txt"))
	if err != nil {
		return nil, fmt.Errorf("report directory: %w: choose another with --report", err)
	}
	return f, nil
}

func (a *app) list() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List suites and features with what they promise",
		Args:  between(0, 0),
		RunE:  func(*cobra.Command, []string) error { return runner.List(a.out, suites.All()...) },
	}
}

func (a *app) up() *cobra.Command {
	return a.configured(&cobra.Command{
		Use:   "up",
		Short: "Stand cluster and mesh up and keep them for later runs",
		Args:  between(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, chosen, err := a.asked()
			if err != nil {
				return err
			}
			cfg.Run.Keep = true
			bed, err := testbed.Up(c.Context(), cfg, a.log, runner.GatewaysOf(chosen...)...)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "cluster %s (%s), mesh %s %s, ingress gateway at %s\nkubeconfig: %s\nrun the suites: meshgate run; remove it all: meshgate down\n",
				bed.Cluster.Name, bed.Cluster.KubernetesVersion, bed.Mesh.Flavour, bed.Mesh.Version, bed.Mesh.Ingress.Host, bed.Cluster.Kubeconfig)
			return bed.Leave(c.Context(), a.log)
		},
	}, "up", nil)
}

func (a *app) down() *cobra.Command {
	var images bool
	return a.configured(&cobra.Command{
		Use:   "down",
		Short: "Remove the cluster and the mesh that meshgate made",
		Args:  between(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			if err := testbed.Down(c.Context(), cfg, a.log); err != nil {
				return err
			}
			if images {
				if err := testbed.Purge(c.Context(), cfg, a.log); err != nil {
					return err
				}
			}
			left, err := testbed.Leftovers(c.Context(), cfg)
			if err != nil {
				return err
			}
			if len(left) > 0 {
				return fmt.Errorf("still there:\n  %s", strings.Join(left, "\n  "))
			}
			fmt.Fprintln(a.out, "nothing of meshgate's is left")
			return nil
		},
	}, "down", config.Own{"node-images": &images})
}

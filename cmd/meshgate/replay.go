package main

import (
	"fmt"
	"os"

	"meshgate/framework/config"
	"meshgate/framework/printable"
	"meshgate/framework/replay"
	"meshgate/framework/report"
	"meshgate/framework/runner"
	"meshgate/suites"

	"github.com/spf13/cobra"
)

func (a *app) replay() *cobra.Command {
	return a.configured(&cobra.Command{
		Use:   "replay REPORT FEATURE",
		Short: "Stand the state of a failed feature up again, and stop before the step that failed",
		Long: `Stands up again what a feature stood on when it failed in an earlier run: cluster, mesh,
its suite's applications, its own objects and the steps before the one that failed. There
it stops and prints the requests of that step as commands, with how to reach the cluster.
Everything stays until Enter, at most an hour, or as long as --hold=30m says, and is
removed then. Ctrl-C removes it too.

REPORT is a report.json, a run's folder, or a report directory, which stands for its
latest run. FEATURE is a name in it, or suite/name. Cluster, mesh and their versions are
those of the settings, as for run; where the report's were others, that is said.

No report is written. Exit code 0 says that the step was reached and let go; 2 that it
was not, for instance because a step before it failed, which is held then; 64 that the
report has no such failure; 130 that it was interrupted.`,
		Args:              between(2, 2),
		ValidArgsFunction: completeReplay,
		RunE: func(c *cobra.Command, args []string) error {
			run, _, err := report.Open(args[0])
			if err != nil {
				return err
			}
			target, err := replay.Find(run, args[1])
			if err != nil {
				return &commandError{err.Error()}
			}
			cfg, err := a.config()
			if err != nil {
				return err
			}
			return a.standAgain(c, cfg, target)
		},
	}, "replay", nil)
}

func (a *app) standAgain(c *cobra.Command, cfg config.Config, t replay.Target) error {
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // what fails is told by the error
	if err != nil {
		return err
	}
	defer nowhere.Close()
	fmt.Fprintf(a.out, "replay: %s as far as its step %s, which failed in run %s\n",
		printable.Line(t.String()), printable.Line(fmt.Sprintf("%q", t.Step.Name)), printable.Line(t.Run))
	if err := runner.Replay(c.Context(), a.options(cfg, nowhere), suites.All(), t); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "replay: let go, and what it made is removed")
	return nil
}

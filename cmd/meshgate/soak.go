package main

import (
	"fmt"

	"meshgate/framework/config"
	"meshgate/framework/disturb"
	"meshgate/framework/report"
	"meshgate/framework/report/soak"
	"meshgate/framework/runner"

	"github.com/spf13/cobra"
)

func (a *app) soak() *cobra.Command {
	var runs int
	var by string
	c := &cobra.Command{
		Use:   "soak",
		Short: "Run the suites again and again on one standing mesh, and fail on any flake",
		Long: `The applications stand, and every feature is asked as often as --runs says. The report
has for each step its runs, failures and retries, and how long it took. A feature is
reported by its worst result, a failure before an error, and of several by the first.

With --disturb something is done to the infrastructure meanwhile. That may make a feature
end in an error, and the verdict "infrastructure"; it may never make the mesh look wrong.`,
		Args: between(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return a.repeat(c, runs, by) },
	}
	return a.configured(c, "soak", config.Own{"runs": &runs, "disturb": &by})
}

func (a *app) repeat(c *cobra.Command, runs int, by string) error {
	if runs < 1 {
		return &commandError{fmt.Sprintf("--runs: want 1 or more, got %d", runs)}
	}
	trouble, err := disturb.New(by)
	if err != nil {
		return &commandError{"--disturb: " + err.Error()}
	}
	cfg, chosen, err := a.asked()
	if err != nil {
		return err
	}
	return a.runWith(c, cfg, false, chosen, func(s *runner.Session, run *report.Run) error {
		ctx := c.Context()
		if err := s.SetUp(ctx); err != nil {
			return err
		}
		stop, err := trouble.Start(ctx, s.Bed(), a.log)
		if err != nil {
			return err
		}
		defer stop()
		var all [][]report.Suite
		for i := range runs {
			phase := a.log.Begin(fmt.Sprintf("run %d of %d", i+1, runs))
			found, err := s.RunRounds(ctx, runner.Round{})
			phase.End(err)
			if err != nil || ctx.Err() != nil {
				return err
			}
			all = append(all, found[0])
			// What there is so far: a soak is long, and may be interrupted.
			repeated := soak.Of(all...)
			repeated.Disturbance = by
			run.Soak, run.Suites = &repeated, soak.Worst(all...)
		}
		return nil
	})
}

package main

import (
	"fmt"
	"io"
	"regexp"

	"meshgate/framework/config"
	"meshgate/framework/report"
	"meshgate/framework/suite"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

func (a *app) sabotage() *cobra.Command {
	var nth int
	c := &cobra.Command{
		Use:   "sabotage",
		Short: "Show that each feature turns red, and it alone, when its fixture is wrong",
		Long: `Each feature declares wrong fixtures that must turn it red. This runs the suites twice:
once with a wrong fixture in every other feature, once in the rest. Exit code 0 says that
each wrong fixture turned its own feature red for the declared reason, and that every
feature whose fixtures were right stayed green; 1 that one did not; 3 that none ran.`,
		Args: between(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return a.rounds(c, nth) },
	}
	c.Flags().IntVar(&nth, "nth", 0, "which of each feature's wrong fixtures, counted from 0; a feature with fewer takes its last")
	return c
}

// rounds runs both halves and prints what became of each feature.
func (a *app) rounds(c *cobra.Command, nth int) error {
	if nth < 0 {
		return &commandError{fmt.Sprintf("--nth: want 0 or more, got %d", nth)}
	}
	cfg, err := a.config()
	if err != nil {
		return err
	}
	all, err := selected(cfg.Run)
	if err != nil {
		return err
	}
	var kills []suite.Kill
	for half := range 2 {
		wrong, err := chosen(all, cfg.Run, half, nth)
		if err != nil {
			return err
		}
		run, err := a.suites(c, func(s string, f suite.Feature) *suite.Sabotage { return wrong[suite.Key(s, f.Name)] })
		if err != nil {
			return err
		}
		if run.Verdict.Outcome == report.OutcomeInterrupted || run.Verdict.Outcome == report.OutcomeInfrastructure {
			a.exit = run.Verdict.Exit
			return nil
		}
		kills = append(kills, suite.Kills(run, wrong)...)
	}
	return a.matrix(kills)
}

// chosen are the wrong fixtures of every other feature that the run selects, by
// suite.Key.
func chosen(all []suite.Suite, run config.Run, half, nth int) (map[string]*suite.Sabotage, error) {
	names, err := regexp.Compile(run.Feature)
	if err != nil {
		return nil, fmt.Errorf("run.feature: %w", err)
	}
	wrong := map[string]*suite.Sabotage{}
	for _, s := range all {
		for i, f := range s.Features {
			if i%2 == half && len(f.Sabotage) > 0 && names.MatchString(f.Name) && labelled(s, f, run.Labels) {
				wrong[suite.Key(s.Name, f.Name)] = &f.Sabotage[min(nth, len(f.Sabotage)-1)]
			}
		}
	}
	return wrong, nil
}

// labelled tells whether a feature carries all of these labels.
func labelled(s suite.Suite, f suite.Feature, want map[string]string) bool {
	for key, value := range want {
		if got, ok := f.Labels[key]; (!ok || got != value) && (key != "suite" || value != s.Name) {
			return false
		}
	}
	return true
}

func (a *app) matrix(kills []suite.Kill) error {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"", "FEATURE", "WRONG FIXTURE", "WANT", "GOT"})
	bad := 0
	for _, k := range kills {
		mark := "ok"
		if !k.OK {
			mark, bad = "BAD", bad+1
		}
		t.AppendRow(table.Row{mark, k.Feature, k.Sabotage, k.Want, k.Got})
	}
	if _, err := io.WriteString(a.out, t.Render()+"\n"); err != nil {
		return err
	}
	if len(kills) == 0 {
		a.exit = report.ExitInconclusive
		fmt.Fprintln(a.out, "nothing was sabotaged: no feature ran")
		return nil
	}
	if bad > 0 {
		a.exit = report.ExitFail
		fmt.Fprintf(a.out, "%d of %d are not as declared\n", bad, len(kills))
		return nil
	}
	a.exit = report.ExitPass
	fmt.Fprintf(a.out, "all %d are as declared\n", len(kills))
	return nil
}

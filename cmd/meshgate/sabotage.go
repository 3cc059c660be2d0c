package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"meshgate/defects"
	"meshgate/framework/config"
	"meshgate/framework/defect"
	"meshgate/framework/report"
	"meshgate/framework/runner"
	"meshgate/framework/suite"
	"meshgate/framework/testbed"

	"github.com/spf13/cobra"
)

// wrongs is what `meshgate sabotage` was told to make wrong.
type wrongs struct {
	nth      int
	fixtures bool
	defects  string
	revert   bool
}

func (a *app) sabotage() *cobra.Command {
	w := wrongs{}
	c := &cobra.Command{
		Use:   "sabotage",
		Short: "Show that each feature turns red, at the right step, when configuration or mesh are wrong",
		Long: `Each feature declares what must turn it red: a fixture withheld or changed, something
done behind its back. And a catalogue has defects of the mesh itself, each with the
features that must see it. This makes all of it wrong, a part at a time, on suites that
stand, and prints the kill matrix: what was wrong, and whether it was seen.

Exit code 0 says that each turned its own features red, at the declared step and for the
declared reason, and that features beside which something else was wrong stayed green;
1 that one survived, was red for another reason, or harmed a neighbour; 3 that one could
not be put into effect, or that nothing was made wrong.`,
		Args: between(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return a.makeWrong(c, w) },
	}
	return a.configured(c, "sabotage", config.Own{"nth": &w.nth, "fixtures-only": &w.fixtures, "defects": &w.defects, "revert": &w.revert})
}

func (a *app) makeWrong(c *cobra.Command, w wrongs) error {
	if w.nth < 0 && c.Flags().Changed("nth") {
		return &commandError{fmt.Sprintf("--nth: want 0 or more, got %d", w.nth)}
	}
	if (w.nth >= 0 || w.fixtures) && w.defects != "" {
		return &commandError{"--defects: not together with --nth or --fixtures-only, which leave defects out"}
	}
	cfg, chosen, err := a.asked()
	if err != nil {
		return err
	}
	if w.revert {
		return a.revertDefects(c, cfg)
	}
	asked := runner.Selects(cfg.Run)
	catalogue, err := chosenDefects(w, asked)
	if err != nil {
		return err
	}
	return a.runWith(c, cfg, true, chosen, func(s *runner.Session, run *report.Run) error {
		err := a.fixturesWrong(c, s, run, w, chosen, asked)
		if err == nil && len(catalogue) > 0 && c.Context().Err() == nil {
			var kills []report.Kill
			kills, err = defect.Run(c.Context(), s, a.log, catalogue)
			run.Kills = append(run.Kills, kills...)
		}
		run.Suites = append(run.Suites, report.Claims(run.Kills)...)
		return err
	})
}

// fixturesWrong plays the sabotages that the features declare.
func (a *app) fixturesWrong(c *cobra.Command, s *runner.Session, run *report.Run, w wrongs, chosen []suite.Suite, asked func(string, suite.Feature) bool) error {
	rounds := runner.SabotageRounds(chosen, asked)
	switch {
	case w.defects != "":
		return nil
	case w.nth >= 0:
		rounds = runner.Halves(chosen, asked, w.nth)
	}
	if err := s.SetUp(c.Context()); err != nil {
		return err
	}
	found, err := s.RunRounds(c.Context(), rounds...)
	if c.Context().Err() != nil || s.Bed() == nil {
		return err // of what was never asked there is nothing to say
	}
	for i, suites := range found {
		run.Kills = append(run.Kills, runner.Kills(chosen, rounds[i], suites)...)
	}
	return err
}

// chosenDefects are those of the catalogue that were asked for and that some selected
// feature must see.
func chosenDefects(w wrongs, asked func(string, suite.Feature) bool) ([]defect.Defect, error) {
	if w.nth >= 0 || w.fixtures {
		return nil, nil
	}
	names, err := regexp.Compile(w.defects)
	if err != nil {
		return nil, &commandError{fmt.Sprintf("--defects: %v", err)}
	}
	all, err := defect.Load(defects.FS)
	if err != nil {
		return nil, err
	}
	var chosen []defect.Defect
	for _, d := range all {
		d.Sees = slices.DeleteFunc(d.Sees, func(s defect.Seen) bool { return !asked(s.Suite(), suite.Feature{Name: s.Name()}) })
		if names.MatchString(d.Name) && len(d.Sees) > 0 {
			chosen = append(chosen, d)
		}
	}
	if w.defects != "" && len(chosen) == 0 {
		return nil, &commandError{fmt.Sprintf("--defects: %q matches none of %d defects", w.defects, len(all))}
	}
	return chosen, nil
}

func (a *app) revertDefects(c *cobra.Command, cfg config.Config) error {
	cfg.Run.Keep = true
	bed, err := testbed.Up(c.Context(), cfg, a.log)
	if err != nil {
		return err
	}
	err = defect.Revert(c.Context(), bed)
	if err == nil {
		fmt.Fprintln(a.out, "the mesh carries no defect of meshgate's")
	}
	return errors.Join(err, bed.Leave(c.Context(), a.log))
}

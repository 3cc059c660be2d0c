package main

import (
	"path/filepath"

	"meshgate/framework/config"
	"meshgate/framework/report"
	"meshgate/framework/report/diff"
	"meshgate/framework/report/render/summary"

	"github.com/spf13/cobra"
)

func (a *app) report() *cobra.Command {
	r := &cobra.Command{
		Use:   "report",
		Short: "Look at earlier runs: show one again, or say what changed between two",
		Args:  unknownCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	r.AddCommand(a.reportShow(), a.reportDiff())
	return r
}

func (a *app) reportShow() *cobra.Command {
	return a.configured(&cobra.Command{
		Use:   "show [DIR|FILE]",
		Short: "Print the summary of an earlier run again (default: the latest)",
		Long: `Prints the summary of an earlier run again: of a report.json, of a run's folder, or of
the latest run in a report directory. Without an argument that is the directory of --report.

Exit code 0 says that the report could be read, whatever its verdict; 2 that it could not.`,
		Args: between(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := a.wanted(args)
			if err != nil {
				return err
			}
			run, file, err := report.Open(path)
			if err != nil {
				return err
			}
			return summary.Print(a.out, run, file)
		},
	}, "report show", nil)
}

// wanted is the report that was named, or else the latest.
func (a *app) wanted(args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	cfg, err := a.config()
	if err != nil {
		return "", err
	}
	return filepath.Join(cfg.Run.Report, report.FileLatest), nil
}

func (a *app) reportDiff() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Say what changed from run A to run B",
		Long: `Says what changed from run A to run B: the verdict, features and steps, what failed
steps saw, what the runs stood on, and times. A and B are files or folders as for show.

Times are compared a suite at a time, by a test whose name and level are printed: one
value a step in each run says nothing by itself.

Exit code 0 says that B is the same or better; 1 that it is worse: a feature that was
green is not any more (or is missing, and B was not told to leave it out), or the verdict
was pass or partial and is not; 2 that a report could not be read.`,
		Args: between(2, 2),
		RunE: func(_ *cobra.Command, args []string) error { return a.compare(args[0], args[1], asJSON) },
	}
	return a.configured(c, "report diff", config.Own{"json": &asJSON})
}

func (a *app) compare(was, is string, asJSON bool) error {
	before, _, err := report.Open(was)
	if err != nil {
		return err
	}
	after, _, err := report.Open(is)
	if err != nil {
		return err
	}
	d := diff.Compare(before, after)
	if len(d.Worse) > 0 {
		a.exit = report.ExitFail
	}
	if !asJSON {
		return diff.Show(a.out, d)
	}
	data, err := diff.Encode(d)
	if err != nil {
		return err
	}
	_, err = a.out.Write(data)
	return err
}

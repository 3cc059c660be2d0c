package main

import (
	"slices"
	"strings"

	"meshgate/defects"
	"meshgate/framework/bundle"
	"meshgate/framework/config"
	"meshgate/framework/defect"
	"meshgate/framework/disturb"
	"meshgate/framework/report"
	"meshgate/suites"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completionCommand adds cobra's command that prints a shell's completion script, with
// our errors for a wrong command line.
func completionCommand(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Args = unknownCommand
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		for _, shell := range c.Commands() {
			shell.Args = between(0, 0)
		}
	}
}

// completeFlags has a shell complete the flags whose values are known.
func completeFlags(c *cobra.Command) {
	known := map[string]cobra.CompletionFunc{
		"suite": completeSuites, "feature": completeFeatures, "defects": completeDefects,
		"disturb": cobra.FixedCompletions(strings.Split(disturb.Kinds(), ", "), cobra.ShellCompDirectiveNoFileComp),
	}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		complete := known[f.Name]
		if choices := config.Choices(f.Name); len(choices) > 0 {
			complete = cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp)
		}
		if complete != nil {
			_ = c.RegisterFlagCompletionFunc(f.Name, complete) // fails for a flag that is not there
		}
	})
}

// completeSuites also completes the last of several names, separated by commas.
func completeSuites(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndex(typed, ",")+1]
	var out []cobra.Completion
	for _, s := range suites.All() {
		out = append(out, cobra.CompletionWithDesc(before+s.Name, s.Promise))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeFeatures completes the features of the suites that the command line names.
func completeFeatures(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var picked []string
	if f := c.Flags().Lookup("suite"); f != nil && f.Changed {
		picked = strings.Split(f.Value.String(), ",")
	}
	var out []cobra.Completion
	for _, s := range suites.All() {
		if len(picked) > 0 && !slices.Contains(picked, s.Name) {
			continue
		}
		for _, f := range s.Features {
			out = append(out, cobra.CompletionWithDesc(f.Name, s.Name+": "+f.Promise))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func completeDefects(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	all, err := defect.Load(defects.FS)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var out []cobra.Completion
	for _, d := range all {
		out = append(out, d.Name)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeComponents completes names of the bundle's catalogue after so many arguments,
// which are files.
func completeComponents(files int) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) < files {
			return nil, cobra.ShellCompDirectiveDefault
		}
		var out []cobra.Completion
		for _, c := range bundle.Catalogue() {
			if !slices.Contains(args[files:], c.Name) {
				out = append(out, c.Name)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeReplay completes the features of a report that failed.
func completeReplay(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return nil, cobra.ShellCompDirectiveDefault
	case 1:
		return failedIn(args[0]), cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func failedIn(path string) []cobra.Completion {
	run, _, err := report.Open(path)
	if err != nil {
		return nil
	}
	var out []cobra.Completion
	for _, s := range run.Suites {
		for _, f := range s.Features {
			if f.Status == report.Fail || f.Status == report.Error {
				out = append(out, s.Name+"/"+f.Name)
			}
		}
	}
	return out
}

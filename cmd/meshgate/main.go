// Command meshgate asks a service mesh whether it still keeps its promises.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"meshgate/framework/config"
	"meshgate/framework/progress"
	"meshgate/framework/report"
	"meshgate/framework/testbed"

	"github.com/spf13/cobra"
)

func main() {
	log := progress.For(os.Stderr)
	ctx, stop := testbed.Interruptible(context.Background(), progress.Lines(log))
	code := execute(ctx, log, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// app is what every command works with.
type app struct {
	environ []string
	in      io.Reader
	out     io.Writer
	log     progress.Log
	verbose bool
	loader  *config.Loader // of the command that runs
	exit    int            // what the command that ran decided, when it did not fail
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, log progress.Log, args, environ []string, in io.Reader, out, errOut io.Writer) int {
	a := &app{environ: environ, in: in, out: out, log: log}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(errOut, "meshgate:", err)
		return codeOf(ctx, err)
	}
	return a.exit
}

// codeOf gives a failed command its exit code.
func codeOf(ctx context.Context, err error) int {
	var usage *config.UsageError
	var command *commandError
	switch {
	case errors.As(err, &usage), errors.As(err, &command):
		return report.ExitUsage
	case testbed.Signal(ctx) != "":
		return report.ExitInterrupted
	default:
		return report.ExitInfrastructure
	}
}

// commandError is a command line that names no command, or its arguments wrongly.
type commandError struct{ text string }

func (e *commandError) Error() string { return e.text }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "meshgate",
		Short: "Ask a service mesh whether it still keeps its promises",
		Long: `meshgate stands up a cluster and a mesh, or takes those that are there, and asserts
from outside what users of a mesh rely on. Its exit code is the verdict:

  0    pass, or partial: some features were skipped (3 with --require-full)
  1    the mesh broke a promise
  2    the infrastructure broke: cluster, images, installation
  3    nothing was proven: nothing ran, or what ran proved nothing
  64   the command line or the configuration is wrong
  130  interrupted`,
		Version:       programOf().String(), // `meshgate version` also has the bundle's versions
		SilenceErrors: true, SilenceUsage: true,
		Args: unknownCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	config.Verbose(root.PersistentFlags(), &a.verbose)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return config.FlagError(c.Flags(), err) })
	root.SetUsageFunc(usage)
	root.SetVersionTemplate("meshgate {{.Version}}\n")
	root.SetHelpCommandGroupID(groupProgram)
	root.SetCompletionCommandGroupID(groupProgram)
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.commands(a) {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	completionCommand(root)
	return root
}

// configured declares the flags that the table of commands has for a command, and has
// them read when it runs.
func (a *app) configured(c *cobra.Command, name string, own config.Own) *cobra.Command {
	loader := config.Flags(c.Flags(), name, own)
	c.PreRun = func(*cobra.Command, []string) { a.loader = loader }
	completeFlags(c)
	return c
}

// unknownCommand says which command is nearest.
func unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	c.SuggestionsMinimumDistance = 2 // cobra's own for its own message; 0 would suggest prefixes only
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		text += fmt.Sprintf(": did you mean %q?", strings.Join(near, `" or "`))
	}
	return &commandError{text + " (meshgate --help lists them)"}
}

// config loads the configuration for the command that runs.
func (a *app) config() (config.Config, error) { return a.loader.Load(a.environ) }

// between wants so many arguments, named in the command's usage line.
func between(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) >= least && (most < 0 || len(args) <= most) {
			return nil
		}
		return &commandError{fmt.Sprintf("%s: got %d arguments: usage: %s", c.CommandPath(), len(args), c.UseLine())}
	}
}

package main

import (
	"cmp"
	"fmt"
	"strings"

	"meshgate/framework/config"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandGroup is a heading of `meshgate --help` and the commands below it.
type commandGroup struct {
	id, title string
	commands  func(*app) []*cobra.Command
}

// groupProgram is about the program itself; cobra's own commands stand there too.
const groupProgram = "program"

func groups() []commandGroup {
	return []commandGroup{
		{"suites", "Run suites:", func(a *app) []*cobra.Command { return []*cobra.Command{a.run(), a.replay(), a.list()} }},
		{"cluster", "Cluster and mesh:", func(a *app) []*cobra.Command {
			return []*cobra.Command{a.up(), a.down(), a.doctor(), a.bundle()}
		}},
		{"trust", "Test the suites themselves:", func(a *app) []*cobra.Command { return []*cobra.Command{a.sabotage(), a.soak()} }},
		{"authors", "Write suites:", func(a *app) []*cobra.Command { return []*cobra.Command{a.newSuite()} }},
		{"reports", "Read reports:", func(a *app) []*cobra.Command { return []*cobra.Command{a.report()} }},
		{groupProgram, "The program itself:", func(a *app) []*cobra.Command { return []*cobra.Command{a.version()} }},
	}
}

// helpWidth is where help breaks its lines.
const helpWidth = 100

// usage writes how a command is called: its commands by their groups, then its own
// flags, then those of the settings it uses, by theirs.
func usage(c *cobra.Command) error {
	var b strings.Builder
	line := c.UseLine()
	if c.HasAvailableSubCommands() {
		line = c.CommandPath() + " COMMAND [flags]"
	}
	fmt.Fprintf(&b, "Usage:\n  %s\n", line)
	if len(c.Groups()) > 0 {
		for _, g := range c.Groups() {
			commandLines(&b, c, g.Title, g.ID)
		}
	} else {
		commandLines(&b, c, "Commands:", "")
	}
	flagLines(&b, c)
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n`%s COMMAND --help` has the flags of a command.\n", c.CommandPath())
	}
	_, err := fmt.Fprint(c.OutOrStderr(), b.String())
	return err
}

func commandLines(b *strings.Builder, c *cobra.Command, title, group string) {
	heading := "\n" + title + "\n"
	for _, sub := range c.Commands() {
		if sub.GroupID == group && (sub.IsAvailableCommand() || sub.Name() == "help") {
			fmt.Fprintf(b, "%s  %-*s  %s\n", heading, sub.NamePadding(), sub.Name(), sub.Short)
			heading = ""
		}
	}
}

func flagLines(b *strings.Builder, c *cobra.Command) {
	sets := map[config.Group]*pflag.FlagSet{}
	add := func(f *pflag.Flag) {
		group := config.GroupOf(f)
		if f.Name == "help" {
			group = config.GroupGeneral
		}
		if sets[group] == nil {
			sets[group] = pflag.NewFlagSet(string(group), pflag.ContinueOnError)
			sets[group].SortFlags = false // the table's order is the one to read
		}
		sets[group].AddFlag(f)
	}
	c.Flags().SortFlags = false
	c.LocalFlags().VisitAll(add)
	c.InheritedFlags().VisitAll(add)
	for _, group := range append([]config.Group{""}, config.Groups()...) {
		if set := sets[group]; set != nil {
			fmt.Fprintf(b, "\n%s:\n%s", cmp.Or(string(group), "Flags"), set.FlagUsagesWrapped(helpWidth))
		}
	}
}

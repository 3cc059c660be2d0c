package config

import (
	"fmt"
	"strings"
)

// Markdown renders the table of settings. The page of the documentation is made
// of it, so that it cannot tell anything else than the program does.
func Markdown() string {
	var b strings.Builder
	b.WriteString(`# Configuration

<!-- Generated from framework/config. Do not edit. -->

Each setting can stand in a YAML file, in an environment variable and, mostly, in a flag.
A flag goes before the environment, the environment before the file, the file before the
default. The file is named by ` + "`--config` or `MESHGATE_CONFIG`" + `; its keys are nested where
the table has a dot. An unknown flag, field or ` + "`MESHGATE_`" + ` variable is an error that names
the nearest valid one; an empty variable counts as not set.

A flag stands only at the commands that use its setting (see [commands](#commands)). File
and environment may hold every setting for every command, because they are shared.
`)
	section := ""
	for _, s := range settings() {
		if now, _, _ := strings.Cut(s.key, "."); now != section {
			section = now
			fmt.Fprintf(&b, "\n## %s\n\n| key | flag | variable | default | accepts | meaning |\n|---|---|---|---|---|---|\n", section)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", code(s.key), code(dashed(s.flag)),
			code(s.variable()), code(s.def), cell(s.want), cell(s.help))
	}
	commandsPage(&b)
	return b.String()
}

// commandsPage writes which command has which flags, and those that are no settings.
func commandsPage(b *strings.Builder) {
	b.WriteString("\n## Commands\n\n| command | flags of settings |\n|---|---|\n")
	for _, c := range Commands() {
		var flags []string
		for _, s := range settings() {
			if c.uses(s) {
				flags = append(flags, code(dashed(s.flag)))
			}
		}
		if c.configured() {
			flags = append(flags, code(dashed(fileFlag)))
		}
		if len(flags) > 0 {
			fmt.Fprintf(b, "| `meshgate %s` | %s |\n", c.Name, strings.Join(flags, ", "))
		}
	}
	b.WriteString("\nFlags that are no settings stand on the command line only:\n\n| command | flag | default | accepts | meaning |\n|---|---|---|---|---|\n")
	row := func(command string, o option) {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", command, code(dashed(o.flag)), code(fmt.Sprint(o.def)), cell(o.want), cell(o.help))
	}
	row("every command; also `-v`", verbose())
	for _, c := range Commands() {
		for _, o := range c.own {
			row(code("meshgate "+c.Name), o)
		}
	}
}

func code(s string) string {
	if s == "" {
		return "–"
	}
	return "`" + s + "`"
}

func dashed(flag string) string {
	if flag == "" {
		return ""
	}
	return "--" + flag
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

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
	return b.String()
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

package config

import (
	"errors"
	"meshgate/framework/nearest"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// FlagError turns the error of parsing fs into a *UsageError. For a flag that the command
// does not have, it names the commands that have it, or else the nearest flag there is.
// It fits cobra's SetFlagErrorFunc.
func FlagError(fs *pflag.FlagSet, err error) error {
	var unknown *pflag.NotExistError
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return err
	}
	if !errors.As(err, &unknown) {
		return &UsageError{[]Problem{{What: "flags", Want: "flags as --help lists them", Detail: err.Error(), Origin: "command line"}}}
	}
	name := unknown.GetSpecifiedName()
	p := Problem{What: "flag --" + name, Origin: "command line", Commands: having(name)}
	if len(p.Commands) == 0 {
		p.Nearest, p.Commands = nearestFlag(name, fs)
	}
	return &UsageError{[]Problem{p}}
}

// nearestFlag is one of fs, or one that other commands have where that is nearer.
func nearestFlag(name string, fs *pflag.FlagSet) (nearestName string, elsewhere []string) {
	var here, all []string
	fs.VisitAll(func(f *pflag.Flag) { here = append(here, f.Name) })
	for _, c := range Commands() {
		for _, o := range c.own {
			all = append(all, o.flag)
		}
	}
	for _, s := range settings() {
		if s.flag != "" {
			all = append(all, s.flag)
		}
	}
	near := nearest.Of(name, slices.Concat(here, all)) // of equally near ones the first
	if slices.Contains(here, near) {
		return "--" + near, nil
	}
	return "--" + near, having(near)
}

// commandList writes "meshgate run, replay and soak".
func commandList(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return "meshgate " + names[0]
	}
	return "meshgate " + strings.Join(names[:last], ", ") + " and " + names[last]
}

package config

import (
	"errors"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// Loader holds the flags that were declared, until Load reads them.
type Loader struct {
	flags *pflag.FlagSet
	file  *given
}

// Flags declares every setting that has a flag, and --config, in fs.
func Flags(fs *pflag.FlagSet) *Loader {
	l := &Loader{flags: fs, file: &given{kind: "file"}}
	fs.Var(l.file, fileFlag, "file of settings (YAML); also "+fileVariable)
	for _, s := range settings() {
		if s.flag == "" {
			continue
		}
		fs.VarPF(&given{text: s.def, kind: s.kind}, s.flag, "", s.help+": "+s.want).NoOptDefVal = s.alone
	}
	return l
}

// Load reads defaults < file < environment < flags. The file is that of --config
// or MESHGATE_CONFIG; in environ, only variables that begin with MESHGATE_ count
// as settings, and an empty one as not set. The error is a *UsageError that lists
// every problem found.
func (l *Loader) Load(environ []string) (Config, error) {
	r := newReader(environ)
	r.fromFile(l.path(environ))
	r.fromEnvironment(environ)
	l.fromFlags(r)
	return r.config()
}

// Load is Loader.Load without flags, for `go test`.
func Load(environ []string) (Config, error) {
	return Flags(pflag.NewFlagSet("none", pflag.ContinueOnError)).Load(environ)
}

// FlagError turns the error of parsing fs into a *UsageError that, for an unknown
// flag, names the nearest one there is. It fits cobra's SetFlagErrorFunc.
func FlagError(fs *pflag.FlagSet, err error) error {
	var unknown *pflag.NotExistError
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return err
	}
	if !errors.As(err, &unknown) {
		return &UsageError{[]Problem{{What: "flags", Want: "flags as --help lists them", Detail: err.Error(), Origin: "command line"}}}
	}
	var names []string
	fs.VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	name := "--" + unknown.GetSpecifiedName()
	return &UsageError{[]Problem{{What: "flag " + name, Nearest: nearest(name, names), Origin: "command line"}}}
}

// path is where the file of settings is, and what said so.
func (l *Loader) path(environ []string) (path, origin string) {
	if f := l.flags.Lookup(fileFlag); f.Changed {
		return l.file.text, "flag --" + fileFlag
	}
	return lookup(environ, fileVariable), "environment " + fileVariable
}

func (l *Loader) fromFlags(r *reader) {
	for _, s := range r.table {
		if f := l.flags.Lookup(s.flag); s.flag != "" && f.Changed {
			r.give(s.key, f.Value.String(), "flag --"+s.flag)
		}
	}
}

// given is a flag's text; it is parsed when everything is known, so that each
// problem can be told in the same words whatever it came from.
type given struct {
	text, kind string
	set        bool
}

func (g *given) String() string { return g.text }
func (g *given) Type() string   { return g.kind }

// Set takes the text; a list may be given more than once.
func (g *given) Set(s string) error {
	if g.set && (g.kind == "list" || g.kind == "pairs") {
		s = g.text + "," + s
	}
	g.text, g.set = s, true
	return nil
}

// lookup finds a variable in environ; the last one counts, as for a process.
func lookup(environ []string, name string) string {
	found := ""
	for _, kv := range environ {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			found = v
		}
	}
	return found
}

func readable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && !st.IsDir()
}

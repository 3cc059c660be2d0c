package config

import (
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// Loader holds the flags that were declared, until Load reads them.
type Loader struct {
	flags *pflag.FlagSet
	file  *given
}

// Own points, for the flags that are a command's own, to where their values go: *bool,
// *int or *string, by flag.
type Own map[string]any

// Flags declares in fs the flags of a command by its name in Commands: those of its own,
// those of the settings it uses, and --config where it uses any.
func Flags(fs *pflag.FlagSet, command string, own Own) *Loader {
	l := &Loader{flags: fs, file: &given{kind: "file"}}
	for _, c := range Commands() {
		if c.Name == command {
			l.declare(c, own)
		}
	}
	return l
}

func (l *Loader) declare(c Command, own Own) {
	for _, o := range c.own {
		o.declare(l.flags, own[o.flag])
	}
	if c.configured() {
		grouped(l.flags.VarPF(l.file, fileFlag, "", "file of settings (YAML); also "+fileVariable), GroupGeneral)
	}
	for _, s := range settings() {
		if c.uses(s) {
			f := l.flags.VarPF(&given{text: s.def, kind: s.kind}, s.flag, "", s.usage())
			f.NoOptDefVal = s.alone
			grouped(f, s.group)
		}
	}
}

// Verbose declares the flag that every command has.
func Verbose(fs *pflag.FlagSet, into *bool) {
	o := verbose()
	fs.BoolVarP(into, o.flag, "v", false, o.help)
	grouped(fs.Lookup(o.flag), GroupGeneral)
}

// groupAnnotation is where a flag carries its group.
const groupAnnotation = "meshgate/group"

func grouped(f *pflag.Flag, g Group) {
	f.Annotations = map[string][]string{groupAnnotation: {string(g)}}
}

// GroupOf is the group of a flag; "" is that of a command's own.
func GroupOf(f *pflag.Flag) Group {
	if all := f.Annotations[groupAnnotation]; len(all) > 0 {
		return Group(all[0])
	}
	return ""
}

// Choices lists the values of a setting's flag that a shell can complete, or none.
func Choices(flag string) []string {
	for _, s := range settings() {
		if flag != "" && s.flag == flag {
			return s.choices
		}
	}
	return nil
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
	return Flags(pflag.NewFlagSet("none", pflag.ContinueOnError), "", nil).Load(environ)
}

// path is where the file of settings is, and what said so.
func (l *Loader) path(environ []string) (path, origin string) {
	if f := l.flags.Lookup(fileFlag); f != nil && f.Changed {
		return l.file.text, "flag --" + fileFlag
	}
	return lookup(environ, fileVariable), "environment " + fileVariable
}

func (l *Loader) fromFlags(r *reader) {
	for _, s := range r.table {
		if f := l.flags.Lookup(s.flag); f != nil && f.Changed {
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

// Package commandline writes a probe's request as a command that a person can run: curl,
// openssl, nc or mongosh from outside, the agent's own command from inside a pod. It asks
// nothing and writes nothing: what a command reads from files is handed over with it.
package commandline

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"meshgate/framework/printable"
	"meshgate/framework/probe"
	"meshgate/framework/shell"
)

// Line is one command for a POSIX shell.
type Line struct {
	Text string
	// Notes say where the command does otherwise than the probe.
	Notes []string
}

// Files are what lines read: certificates, keys, passwords, and what a terminal would not
// show as it is. They have to be there, for nobody else to read, before a line is run.
type Files struct {
	Dir  string // where they will be
	List []File // in the order of their first use
}

// File is one of them.
type File struct{ Name, Content string }

// keep returns the path of a file with this content, which may be there already.
func (f *Files) keep(name, content string) string {
	ext := filepath.Ext(name)
	for n, unique := 2, name; ; n++ {
		i := slices.IndexFunc(f.List, func(is File) bool { return is.Name == unique })
		if i < 0 {
			f.List = append(f.List, File{unique, content})
		}
		if i < 0 || f.List[i].Content == content {
			return filepath.Join(f.Dir, unique)
		}
		unique = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
	}
}

// Outside is the request as it is made from here. The error says why it cannot be made at
// all.
func Outside(r probe.Request, files *Files) (Line, error) {
	a, err := probe.Plan(r)
	if err != nil {
		return Line{}, err
	}
	c := &command{files: files}
	switch a.Kind {
	case probe.KindTLS:
		c.openssl(a)
	case probe.KindTCP:
		c.nc(a)
	case probe.KindMongoDB:
		c.mongosh(a)
	default:
		c.curl(a)
	}
	return c.line(), nil
}

// command is a line under way.
type command struct {
	files  *Files
	words  []string
	suffix string // after the words, as the shell takes it
	notes  []string
}

func (c *command) add(words ...string) { c.words = append(c.words, words...) }

func (c *command) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// file is where a command that takes a file finds a text.
func (c *command) file(name, content string) string { return c.files.keep(name, content) }

// reads has the command read a text from standard input.
func (c *command) reads(name, content string) {
	c.suffix = " <" + shell.Quote(c.file(name, content))
}

func (c *command) line() Line {
	text := shell.Join(c.words...)
	if !shows(text) {
		c.note("some bytes of this line cannot be shown, so it cannot be pasted as it is")
	}
	return Line{Text: text + c.suffix, Notes: c.notes}
}

// verified says for whom a certificate is verified, where that differs.
func (c *command) verified(program, name string, a probe.Attempt) {
	if a.Secure && name != a.VerifyName && !a.TLS.SkipVerify {
		c.note("%s verifies the certificate for %s, the probe for %s", program, name, a.VerifyName)
	}
}

// shows says whether a terminal shows a text as it is.
func shows(text string) bool { return printable.Line(text) == text }

// wholeSeconds are at least one.
func wholeSeconds(d time.Duration) string {
	return fmt.Sprint(max(1, int64((d+time.Second-1)/time.Second)))
}

// lowest is the TLS version that a probe begins with, highest the one that it ends with.
func lowest(o probe.TLSOptions) string  { return cmp.Or(o.Min, min("1.2", highest(o))) }
func highest(o probe.TLSOptions) string { return cmp.Or(o.Max, "1.3") }

// weak lets OpenSSL speak the versions that it has switched off, as the probe does.
const weak = "DEFAULT:@SECLEVEL=0"

// Package expect judges what a probe observed and what a proxy logged. It is
// pure: it asks nothing of a network, and every word of a failure comes from the
// observation it was given.
package expect

import (
	"errors"
	"fmt"
	"strings"

	"meshgate/framework/accesslog"
	"meshgate/framework/probe"
)

// Mismatch is one field that is not what it must be.
type Mismatch struct {
	Field     Field
	Want, Got string
}

func (m *Mismatch) Error() string {
	return fmt.Sprintf("%s: want %q, got %q", m.Field, m.Want, clip(m.Got))
}

// Mismatches returns every mismatch that err wraps, in the order they were found.
func Mismatches(err error) []*Mismatch {
	switch e := err.(type) {
	case nil:
		return nil
	case *Mismatch:
		return []*Mismatch{e}
	case interface{ Unwrap() error }:
		return Mismatches(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*Mismatch
		for _, one := range e.Unwrap() {
			all = append(all, Mismatches(one)...)
		}
		return all
	}
	return nil
}

// errNoChecks is for an assertion that could not fail.
var errNoChecks = errors.New("no check is asked for: the assertion could not fail")

// failure is what was looked at and all that was wrong with it.
type failure struct {
	of    any // a probe.Observation or an accesslog.Line
	wrong []error
}

// Error reads, for example: `301 https://api.test/a: Location: want "…", got "…"`.
func (f *failure) Error() string {
	words := make([]string, len(f.wrong))
	for i, w := range f.wrong {
		words[i] = w.Error()
	}
	return aboutAny(f.of) + ": " + strings.Join(words, "; ")
}

func (f *failure) Unwrap() []error { return f.wrong }

// verdict is nil when nothing is wrong with an observation or a line. What earlier
// verdicts found about the same one is taken over without its preface.
func verdict[T probe.Observation | accesslog.Line](of T, wrong ...error) error {
	f := &failure{of: of}
	for _, w := range wrong {
		var inner *failure
		switch {
		case w == nil:
		case errors.As(w, &inner) && error(inner) == w && aboutAny(inner.of) == aboutAny(of):
			f.wrong = append(f.wrong, inner.wrong...)
		default:
			f.wrong = append(f.wrong, w)
		}
	}
	if len(f.wrong) == 0 {
		return nil
	}
	return f
}

// Of says of an error about something else, such as a log, which request it is about.
func Of(o probe.Observation, err error) error {
	if err == nil {
		return nil
	}
	return verdict(o, err)
}

// Blamed are the first observation and the first access-log line that err is about; nil
// where it is about none.
func Blamed(err error) (o *probe.Observation, l *accesslog.Line) {
	var f *failure
	if !errors.As(err, &f) {
		return nil, nil
	}
	switch of := f.of.(type) {
	case probe.Observation:
		o = &of
	case accesslog.Line:
		l = &of
	}
	for _, w := range f.wrong {
		inner, line := Blamed(w)
		if o == nil {
			o = inner
		}
		if l == nil {
			l = line
		}
	}
	return o, l
}

// differ is nil when the texts are equal. It returns error and not *Mismatch so
// that nil is nil.
func differ(field Field, want, got string) error {
	if want == got {
		return nil
	}
	return &Mismatch{Field: field, Want: want, Got: got}
}

// unless is nil when the condition holds.
func unless(ok bool, field Field, want, got string) error {
	if ok {
		return nil
	}
	return &Mismatch{Field: field, Want: want, Got: got}
}

// clip keeps a failure readable when a whole page was received.
func clip(s string) string {
	const most = 400
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:most], ""), len(s))
}

// either writes "a or b".
func either(all []string) string { return strings.Join(all, " or ") }

package accesslog

import (
	"fmt"
	"strings"
)

// ParseError says which field of a line does not have the form that the format requires.
type ParseError struct {
	Field  string // Istio's JSON name of it
	Index  int    // its place in the line, from 1; 0 in JSON
	Column int    // where it begins, in bytes from 1; 0 in JSON
	Want   string
	Got    string
}

func (e *ParseError) Error() string {
	where := ""
	if e.Index > 0 {
		where = fmt.Sprintf(" (field %d, column %d)", e.Index, e.Column)
	}
	return fmt.Sprintf("access log: %s%s: want %s, got %q", e.Field, where, e.Want, brief(e.Got))
}

// Parse reads one line in any of the three formats. The error is a *ParseError that names the
// field.
func Parse(line string) (Line, error) {
	line = strings.TrimRight(line, "\r\n")
	switch {
	case strings.HasPrefix(line, "["):
		return parseText(line)
	case strings.HasPrefix(line, "{"):
		return parseJSON(line)
	}
	return Line{}, &ParseError{Field: "line", Want: `"[" of the text formats or "{" of JSON first`, Got: line}
}

// Format writes a line in its own format, as Envoy would: Parse reads the same values from
// it. It ignores Raw.
func Format(l Line) string {
	if l.Format == JSON {
		return formatJSON(l)
	}
	return formatText(l)
}

// brief shortens a text in an error, which may be a whole line.
func brief(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

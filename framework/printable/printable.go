// Package printable makes text that came from outside safe to show. A header,
// a log line or an object's name may hold escape sequences that move the
// cursor, recolour or rename a terminal, reverse the direction of a line, or
// forge a second line; none of that may reach a terminal or a viewer of XML.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one line of harmless text: what is not printable, and every
// line break and tab, becomes a visible escape such as \x1b, \n or \u202e.
func Line(s string) string {
	return clean(s, false)
}

// Block is Line for text of several lines: line feeds and tabs stay.
func Block(s string) string {
	return clean(s, true)
}

// Short is Line, cut to at most max runes with an ellipsis as the last of them.
func Short(s string, max int) string {
	line := Line(s)
	if max < 1 || utf8.RuneCountInString(line) <= max {
		return line
	}
	runes := []rune(line)
	return string(runes[:max-1]) + "…"
}

func clean(s string, multiline bool) string {
	at := unsafeAt(s, multiline)
	if at < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:at])
	for rest := s[at:]; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		if safe(r, n, multiline) {
			b.WriteString(rest[:n])
		} else {
			escape(&b, r, n, rest[0])
		}
		rest = rest[n:]
	}
	return b.String()
}

// unsafeAt is the offset of the first rune to escape, or -1: most text has none
// and is returned as it is, without a copy.
func unsafeAt(s string, multiline bool) int {
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if !safe(r, n, multiline) {
			return i
		}
		i += n
	}
	return -1
}

func safe(r rune, size int, multiline bool) bool {
	if r == utf8.RuneError && size == 1 {
		return false
	}
	if multiline && (r == '\n' || r == '\t') {
		return true
	}
	return Rune(r)
}

// Rune says whether r shows as itself: letters, marks, numbers, punctuation,
// symbols and the plain space. Control characters of both sets and format
// characters such as direction overrides do not.
func Rune(r rune) bool {
	return unicode.IsPrint(r)
}

func escape(b *strings.Builder, r rune, size int, first byte) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case r == utf8.RuneError && size == 1:
		fmt.Fprintf(b, `\x%02x`, first)
	case r < 0x100:
		fmt.Fprintf(b, `\x%02x`, r)
	case r < 0x10000:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

package accesslog

import (
	"strconv"
	"strings"
	"time"
)

// cursor reads a text line field by field. It keeps the first error, after which every read
// returns nothing. Fields are substrings of the line, without copies.
type cursor struct {
	line  string
	pos   int
	index int // of the field that is read, from 1
	err   error
}

func (c *cursor) fail(field, want, got string, at int) {
	if c.err == nil {
		c.err = &ParseError{Field: field, Index: c.index, Column: at + 1, Want: want, Got: got}
	}
}

// next begins a field and reports whether any text is left for it. Fields are separated by
// one space; an omitted value leaves nothing between two spaces.
func (c *cursor) next(field string) bool {
	c.index++
	if c.err != nil {
		return false
	}
	if c.pos >= len(c.line) && c.index > 1 {
		c.fail(field, "a value", "the end of the line", len(c.line))
		return false
	}
	return true
}

// advance returns the text up to end and skips the space after it.
func (c *cursor) advance(end int) string {
	taken := c.line[c.pos:end]
	c.pos = min(end+1, len(c.line))
	return taken
}

func (c *cursor) word(field string) string {
	if !c.next(field) {
		return ""
	}
	return c.advance(c.space())
}

// space finds the end of a bare word.
func (c *cursor) space() int {
	if i := strings.IndexByte(c.line[c.pos:], ' '); i >= 0 {
		return c.pos + i
	}
	return len(c.line)
}

func (c *cursor) number(field string) int64 {
	at := c.pos
	w := c.word(field)
	n, err := strconv.ParseUint(w, 10, 63)
	if err != nil {
		c.fail(field, "a whole number", w, at)
	}
	return int64(n)
}

// duration may be unknown; all other counted fields are always present.
func (c *cursor) duration() int64 {
	if rest := c.line[c.pos:]; strings.HasPrefix(rest, "- ") || strings.HasPrefix(rest, " ") {
		c.word(nameDuration)
		return Unknown
	}
	return c.number(nameDuration)
}

func (c *cursor) start() time.Time {
	if !c.next(nameStart) {
		return time.Time{}
	}
	w := c.advance(c.space())
	t, err := time.Parse(time.RFC3339, strings.TrimSuffix(strings.TrimPrefix(w, "["), "]"))
	if err != nil || !strings.HasPrefix(w, "[") || !strings.HasSuffix(w, "]") {
		c.fail(nameStart, "a time such as [2006-01-02T15:04:05.000Z]", w, 0)
	}
	return t
}

// request splits "METHOD PATH PROTOCOL" at its first and its last space. A path
// may end with a quote; only the one before the status closes the field.
func (c *cursor) request() (method, path, protocol string) {
	at := c.pos
	r := c.quotedUntil(nameRequest, func(i int) bool { return i+2 < len(c.line) && c.line[i+1] == ' ' && isDigit(c.line[i+2]) })
	first, last := strings.IndexByte(r, ' '), strings.LastIndexByte(r, ' ')
	if first == last {
		c.fail(nameRequest, "method, path and protocol", r, at)
		return "", "", ""
	}
	return r[:first], r[first+1 : last], r[last+1:]
}

func (c *cursor) quoteAhead() bool { return c.pos < len(c.line) && c.line[c.pos] == '"' }

// quoted reads a value in quotes. Envoy does not escape quotes, so a quote ends the field
// only before a space or the end of the line, and not when the writer of the value has
// escaped it.
func (c *cursor) quoted(field string) string {
	return c.quotedUntil(field, func(i int) bool { return i+1 == len(c.line) || c.line[i+1] == ' ' })
}

// quotedUntil reads a value in quotes; closes decides which quote ends it.
func (c *cursor) quotedUntil(field string, closes func(i int) bool) string {
	if !c.next(field) {
		return ""
	}
	if !c.quoteAhead() {
		c.fail(field, "a value in quotes", c.line[c.pos:c.space()], c.pos)
		return ""
	}
	end := c.closingQuote(closes)
	if end < 0 {
		c.fail(field, "a value in quotes", c.line[c.pos:], c.pos)
		return ""
	}
	taken := c.line[c.pos+1 : end]
	c.pos = min(end+2, len(c.line))
	return taken
}

func (c *cursor) closingQuote(closes func(i int) bool) int {
	escaped := false
	for i := c.pos + 1; i < len(c.line); i++ {
		switch {
		case escaped:
			escaped = false
		case c.line[i] == '\\':
			escaped = true
		case c.line[i] == '"' && closes(i):
			return i
		}
	}
	return -1
}

// untilQuote reads everything up to the next quoted field: this is the only unquoted field in
// which Envoy's text may contain spaces.
func (c *cursor) untilQuote(field string) string {
	if !c.next(field) {
		return ""
	}
	i := strings.Index(c.line[c.pos:], ` "`)
	if i < 0 {
		c.fail(field, "a quoted value after it", c.line[c.pos:], c.pos)
		return ""
	}
	return c.advance(c.pos + i)
}

// optional reads a word that may be missing together with all following fields.
func (c *cursor) optional() string {
	if c.pos >= len(c.line) {
		return ""
	}
	return c.word("")
}

func (c *cursor) extra() string {
	if c.quoteAhead() {
		return c.quoted("extra")
	}
	return c.word("extra")
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

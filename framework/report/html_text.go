package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"meshgate/framework/printable"
)

// Bounds of the page, in bytes of what is written for a text.
const (
	// maxHTMLAll bounds all texts together, so that a page opens at once however
	// much went wrong. The rest of the page is small beside them.
	maxHTMLAll = 2 << 20
	// maxHTMLText bounds a message, an observation, a configuration.
	maxHTMLText = 16 << 10
	// maxHTMLLine bounds a name, a reason, a value.
	maxHTMLLine = 600
	// minHTMLLine is what is shown of a line when all is spent: enough of a name.
	minHTMLLine = 48
	// maxHTMLList bounds how many of a kind stand in one list.
	maxHTMLList = 200
)

// texts makes texts fit to be shown, and keeps account of how much they are.
type texts struct {
	left int // bytes, may be overdrawn by lines
	cut  int // how many texts are not whole
}

// line is s on one line, printable, of at most maxHTMLLine bytes.
func (t *texts) line(s string) string {
	most := min(maxHTMLLine, max(minHTMLLine, t.left))
	s = printable.Line(upTo(s, maxHTMLLine+1)) // what is made printable gets no shorter
	if len(s) > most {
		s = upTo(s, most) + "…"
		t.cut++
	}
	t.left -= weight(s)
	return s
}

// lines bounds their number too.
func (t *texts) lines(all []string) []string {
	var out []string
	for i, s := range all {
		if i == maxHTMLList {
			t.cut++
			return append(out, fmt.Sprintf("… %d more: see %s", len(all)-i, FileJSON))
		}
		out = append(out, t.line(s))
	}
	return out
}

// block is a text of several lines, printable, cut at a rune; it says what is left out.
func (t *texts) block(s string) string {
	most := min(maxHTMLText, max(minHTMLLine, t.left))
	whole := len(s)
	s = printable.Block(upTo(s, maxHTMLText+1)) // what is made printable gets no shorter
	begun := len(s)
	// Escaping makes a text of quotes five times as long: it is the result that counts.
	if w := weight(s); w > most {
		s = upTo(s, max(minHTMLLine, most*begun/w))
		for weight(s) > most && len(s) > minHTMLLine {
			s = upTo(s, len(s)/2)
		}
		s += fmt.Sprintf("\n… %d more bytes: see %s", max(1, whole-len(s)), FileJSON)
		t.cut++
	}
	t.left -= weight(s)
	return s
}

// document is a value as indented JSON, or what is no JSON as text; it may be empty.
func (t *texts) document(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return t.block(string(raw))
	}
	return t.block(b.String())
}

// upTo is the beginning of s, of at most n bytes, cut at a rune.
func upTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// weight is the length of s once html/template has escaped it.
func weight(s string) int {
	n := len(s)
	for i := range len(s) {
		switch s[i] {
		case '"', '\'', '&', '<', '>', '+':
			n += 4
		}
	}
	return n
}

// beside is the link to a file in the run's folder or below, or nothing for a name
// that leads elsewhere. The dot in front keeps a colon in a name from being read as
// the end of a scheme.
func beside(name string) string {
	if !fs.ValidPath(name) || name == "." || strings.ContainsRune(name, '\\') {
		return ""
	}
	return "./" + (&url.URL{Path: name}).EscapedPath()
}

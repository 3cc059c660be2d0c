package html

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"meshgate/framework/printable"
	"meshgate/framework/report"
)

// Bounds of the page, in bytes of what is written for a text.
const (
	// maxAll bounds all texts together, so that a page opens at once however
	// much went wrong. The rest of the page is small beside them.
	maxAll = 2 << 20
	// maxText bounds a message, an observation, a configuration.
	maxText = 16 << 10
	// maxLine bounds a name, a reason, a value.
	maxLine = 600
	// minLine is what is shown of a line when all is spent: enough of a name.
	minLine = 48
	// maxList bounds how many of a kind stand in one list.
	maxList = 200
)

// texts makes texts fit to be shown, and keeps account of how much they are.
type texts struct {
	left int // bytes, may be overdrawn by lines
	cut  int // how many texts are not whole
}

// line is s on one line, printable, of at most maxLine bytes.
func (t *texts) line(s string) string {
	most := min(maxLine, max(minLine, t.left))
	s = printable.Line(upTo(s, maxLine+1)) // what is made printable gets no shorter
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
		if i == maxList {
			t.cut++
			return append(out, fmt.Sprintf("… %d more: see %s", len(all)-i, report.FileJSON))
		}
		out = append(out, t.line(s))
	}
	return out
}

// block is a text of several lines, printable, cut at a rune; it says what is left out.
func (t *texts) block(s string) string {
	most := min(maxText, max(minLine, t.left))
	whole := len(s)
	s = printable.Block(upTo(s, maxText+1)) // what is made printable gets no shorter
	begun := len(s)
	// Escaping makes a text of quotes five times as long: it is the result that counts.
	if w := weight(s); w > most {
		s = upTo(s, max(minLine, most*begun/w))
		for weight(s) > most && len(s) > minLine {
			s = upTo(s, len(s)/2)
		}
		s += fmt.Sprintf("\n… %d more bytes: see %s", max(1, whole-len(s)), report.FileJSON)
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

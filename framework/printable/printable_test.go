package printable_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"meshgate/framework/printable"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		"plain text":                 "plain text",
		"Grüße, 世界 ★":                "Grüße, 世界 ★",
		"a\nb\r\tc":                  `a\nb\r\tc`,
		"\x1b[31mred\x1b[0m":         `\x1b[31mred\x1b[0m`,
		"\x1b]0;title\a":             `\x1b]0;title\x07`,
		"\u009b2J":                   `\x9b2J`,
		"bad\xff\xfeutf8":            `bad\xff\xfeutf8`,
		"nul\x00del\x7f":             `nul\x00del\x7f`,
		"user\u202egnp.exe":          `user\u202egnp.exe`,
		"zero\u200bwidth":            `zero\u200bwidth`,
		"line\u2028sep":              `line\u2028sep`,
		"no\u00a0break":              `no\xa0break`,
		"tag\U000E0041":              `tag\U000e0041`,
		"replacement \ufffd is text": "replacement \ufffd is text",
	} {
		assert.Equal(t, want, printable.Line(in), "%q", in)
	}
}

func TestBlockKeepsLines(t *testing.T) {
	assert.Equal(t, "a\n\tb\\r\n\\x1b[2J", printable.Block("a\n\tb\r\n\x1b[2J"))
}

func TestShort(t *testing.T) {
	assert.Equal(t, "abc", printable.Short("abc", 3))
	assert.Equal(t, "ab…", printable.Short("abcd", 3))
	assert.Equal(t, "世…", printable.Short("世界人", 2))
	assert.Equal(t, "abcd", printable.Short("abcd", 0), "no limit")
}

func FuzzLine(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[1m\u202e\xff\n")
	f.Fuzz(func(t *testing.T, s string) {
		out := printable.Line(s)
		assert.True(t, utf8.ValidString(out))
		for _, r := range out {
			assert.True(t, printable.Rune(r), "%q in %q", r, out)
		}
		assert.Equal(t, out, printable.Line(out), "once is enough")
		assert.NotContains(t, printable.Block(s), "\x1b")
	})
}

func TestCleanTextIsNotCopied(t *testing.T) {
	s := strings.Repeat("an ordinary line, ", 100)
	assert.Zero(t, testing.AllocsPerRun(10, func() { _ = printable.Line(s) }))
}

func BenchmarkLine(b *testing.B) {
	s := strings.Repeat("an ordinary line, ", 100)
	b.ReportAllocs()
	for b.Loop() {
		_ = printable.Line(s)
	}
}

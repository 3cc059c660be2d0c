package printable

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON writes what is not printable in an encoded JSON document as \u escapes; a
// reader of JSON gets the same text. It works on the bytes because anything beyond
// ASCII can only stand inside strings.
func JSON(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for len(data) > 0 {
		if data[0] < utf8.RuneSelf && data[0] != 0x7f {
			out, data = append(out, data[0]), data[1:]
			continue
		}
		r, n := utf8.DecodeRune(data)
		if r != utf8.RuneError && Rune(r) {
			out = append(out, data[:n]...)
		} else {
			out = appendEscape(out, r)
		}
		data = data[n:]
	}
	return out
}

func appendEscape(out []byte, r rune) []byte {
	if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
		return fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
	}
	return fmt.Appendf(out, `\u%04x`, r)
}

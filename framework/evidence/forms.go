package evidence

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
)

// minLine is the length below which a line of a longer secret is not a secret
// by itself.
const minLine = 16

// forms are all encodings in which a secret may appear in a text.
func forms(secret string) []string {
	secret = strings.TrimSpace(secret)
	if len(secret) < minSecret {
		return nil
	}
	out := []string{secret, escaped(secret, true), escaped(secret, false),
		url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)),
		strings.ToUpper(hex.EncodeToString([]byte(secret)))}
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			out = append(out, base64Core(alphabet, secret, before))
		}
	}
	if strings.Contains(secret, "\n") {
		for line := range strings.Lines(secret) {
			// The first and the last line of a PEM block are the same for every key and
			// contain no secret.
			if line = strings.TrimSpace(line); len(line) >= minLine && !strings.HasPrefix(line, "-----") {
				out = append(out, forms(line)...)
			}
		}
	}
	return out
}

// escaped is s as it appears between the quotes of a JSON string.
func escaped(s string, html bool) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	if err := e.Encode(s); err != nil {
		return s
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(b.String()), `"`), `"`)
}

// base64Core is the part of the base64 encoding that depends on the secret alone. before is
// the number of bytes, modulo three, that precede the secret in the encoded text: the
// characters at both ends also contain bits of the neighbouring bytes.
func base64Core(alphabet *base64.Encoding, secret string, before int) string {
	encoded := alphabet.EncodeToString(append(make([]byte, before), secret...))
	first := (before*8 + 5) / 6
	last := (before + len(secret)) * 8 / 6
	return encoded[first:last]
}

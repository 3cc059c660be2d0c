package evidence

import (
	"encoding/base64"
	"regexp"
	"strings"
)

var (
	jwt       = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}\.eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?`)
	jwtBase64 = regexp.MustCompile(`ZXlK[A-Za-z0-9+/_-]{40,}={0,2}`)
	// header is a credential header in a text: as HTTP writes it, in JSON, in Go's
	// print of a map, in Envoy's debug log ('cookie', 'a=b') and in its configuration.
	header = regexp.MustCompile(`(?i)\b(proxy-authorization|authorization|set-cookie|cookie|x-api-key|x-auth-token)` +
		`(\\?["']?[ \t]*[:=][ \t]*\[?[ \t]*\\?["']?|["'],[ \t]*["'](?:value["'][ \t]*:[ \t]*["'])?)([^"'\\\]\n]+)`)
	// wholeKey is a PEM private key from one end to the other, whatever a log has put
	// before each of its lines.
	wholeKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----.*?-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----`)
	// userinfo is the password in an address.
	userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"']*):([^\s/@"']+)@`)
	// flag begins a word: "istio-ca-secret not found" has none.
	flag = regexp.MustCompile(`(?i)((?:^|[\s"'\[,])--?[a-z0-9-]*(?:password|passwd|token|secret|api-?key))(=|[ \t]+)([^\s"',]+)`)
	// setting is a password in a text of keys and values.
	setting = regexp.MustCompile(`(?i)\b([a-z0-9_.-]*(?:password|passwd|access_?token|refresh_?token|id_?token|client_?secret|api_?key))` +
		`(\\?["']?[ \t]*[:=][ \t]*\\?["']?)([^\s"',;&}\\]+)`)
)

// keyFrame is part of both ends of every private key in PEM.
const keyFrame = "PRIVATE KEY-----"

// keyFrameBase64 is keyFrame in base64, by where it falls in groups of three bytes.
var keyFrameBase64 = [3]string{
	base64Core(base64.RawStdEncoding, keyFrame, 0),
	base64Core(base64.RawStdEncoding, keyFrame, 1),
	base64Core(base64.RawStdEncoding, keyFrame, 2),
}

// byForm lists the rules that recognize a secret by its form. Each first searches for a word
// that must be present, because most text has none and regular expressions over megabytes
// take long.
func byForm() []func(string) string {
	return []func(string) string{
		privateKeys,
		func(s string) string { return ifHas(s, jwt, redacted, "eyJ") },
		func(s string) string { return ifHas(s, jwtBase64, redacted, "ZXlK") },
		func(s string) string { return ifHas(s, header, "${1}${2}"+redacted, headerWords()...) },
		func(s string) string { return ifHas(s, userinfo, "${1}:"+redacted+"@", "://") },
		func(s string) string { return ifHas(s, flag, "${1}${2}"+redacted, settingWords()...) },
		func(s string) string { return ifHas(s, setting, "${1}${2}"+redacted, settingWords()...) },
	}
}

// headerWords and settingWords are parts of the names that the rules search for, in the
// spellings that occur.
func headerWords() []string {
	return []string{"uthoriz", "UTHORIZ", "ookie", "OOKIE", "pi-key", "pi-Key", "PI-KEY", "uth-token", "uth-Token", "UTH-TOKEN"}
}

func settingWords() []string {
	return []string{"assw", "ASSW", "oken", "OKEN", "ecret", "ECRET", "pi-k", "pi_k", "PI_K", "pik", "piK"}
}

// ifHas replaces matches in the lines that contain one of the words. None of these rules
// spans several lines.
func ifHas(s string, re *regexp.Regexp, replacement string, words ...string) string {
	if !hasAny(s, words) {
		return s
	}
	if !strings.Contains(s, "\n") {
		return re.ReplaceAllString(s, replacement)
	}
	var b strings.Builder
	b.Grow(len(s))
	for line := range strings.Lines(s) {
		if hasAny(line, words) {
			line = re.ReplaceAllString(line, replacement)
		}
		b.WriteString(line)
	}
	return b.String()
}

func hasAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// privateKeys removes PEM private keys, whole or truncated at either end, as plain text or in
// base64.
func privateKeys(s string) string {
	if strings.Contains(s, keyFrame) {
		s = wholeKey.ReplaceAllString(s, redacted)
	}
	s = withoutRuns(s, keyFrame, isPEM)
	for _, mark := range keyFrameBase64 {
		s = withoutRuns(s, mark, isBase64)
	}
	return s
}

// withoutRuns replaces every run of bytes accepted by belongs that contains the mark.
func withoutRuns(s, mark string, belongs func(byte) bool) string {
	var b strings.Builder
	for {
		at := strings.Index(s, mark)
		if at < 0 {
			break
		}
		from, to := at, at+len(mark)
		for from > 0 && belongs(s[from-1]) {
			from--
		}
		for to < len(s) && belongs(s[to]) {
			to++
		}
		b.WriteString(s[:from])
		b.WriteString(redacted)
		s = s[to:]
	}
	if b.Len() == 0 {
		return s
	}
	b.WriteString(s)
	return b.String()
}

// isPEM accepts many bytes, because a key may be escaped, quoted or indented; the price is
// that a few words of its log line are removed too.
func isPEM(c byte) bool {
	return isBase64(c) || c == ' ' || c == '\t' || c == '\r' || c == '\\'
}

func isBase64(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' ||
		c == '+' || c == '/' || c == '=' || c == '-' || c == '_' || c == '\n'
}

package evidence

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// lastApplied is where kubectl keeps a copy of a whole object, secrets included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

var (
	separators = strings.NewReplacer("-", "", "_", "", ".", "")
	// lonelyFlag is a flag whose value is the next argument.
	lonelyFlag = regexp.MustCompile(`(?i)^--?[a-z0-9-]*(password|passwd|token|secret|api-?key)$`)
)

// isSensitive reports whether the value of a field, header or variable of that name is a
// secret.
func isSensitive(name string) bool {
	name = strings.ToLower(separators.Replace(name))
	switch name {
	case "authorization", "proxyauthorization", "cookie", "setcookie", "xapikey", "tlskey", "sessionticketkeys":
		return true
	}
	for _, end := range []string{"token", "password", "passwd", "passphrase", "privatekey", "clientsecret", "secretkey", "apikey"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// document redacts a decoded JSON or YAML document in place where it can.
func (r *Redactor) document(v any) any {
	switch v := v.(type) {
	case string:
		return r.String(v)
	case []any:
		return r.list(v)
	case map[string]any:
		if v["kind"] == "Secret" {
			return r.secret(v)
		}
		return r.fields(v)
	default:
		return v
	}
}

func (r *Redactor) list(l []any) any {
	for i := range l {
		if i > 0 && isLonelyFlag(l[i-1]) {
			l[i] = hidden(l[i])
			continue
		}
		l[i] = r.document(l[i])
	}
	return l
}

func isLonelyFlag(v any) bool {
	s, ok := v.(string)
	return ok && lonelyFlag.MatchString(s)
}

func (r *Redactor) fields(m map[string]any) map[string]any {
	pair := isSensitivePair(m)
	out := make(map[string]any, len(m))
	for k, v := range m {
		switch {
		case k == lastApplied:
			out[k] = redacted
		case isSensitive(k), pair && (k == "value" || k == "values"):
			out[k] = r.document(hidden(v))
		default:
			out[r.String(k)] = r.document(v)
		}
	}
	return out
}

// isSensitivePair recognizes {name: DB_PASSWORD, value: …}, as in a container's environment,
// and {key: authorization, value: …}, as in Envoy's headers.
func isSensitivePair(m map[string]any) bool {
	for _, k := range []string{"name", "key", "header"} {
		if s, ok := m[k].(string); ok && isSensitive(s) {
			return true
		}
	}
	return false
}

// hidden replaces a value that is a secret because of the field that contains it. In a
// structure it replaces only the parts that Envoy calls inline; others, such as a file name,
// say where the secret is stored.
func hidden(v any) any {
	switch v := v.(type) {
	case string:
		if v == "" {
			return v // an empty value is worth knowing
		}
		return redacted
	case []any:
		for i := range v {
			v[i] = hidden(v[i])
		}
		return v
	case map[string]any:
		for k := range v {
			if strings.HasPrefix(k, "inline") {
				v[k] = hidden(v[k])
			}
		}
		return v
	default:
		return v
	}
}

// secret is a Secret object with fingerprints for values.
func (r *Redactor) secret(o map[string]any) any {
	values := map[string]any{}
	for _, field := range []string{"data", "stringData"} {
		m, ok := o[field].(map[string]any)
		if !ok {
			continue
		}
		for k, v := range m {
			m[k] = fingerprint(v, field == "data")
		}
		values[field] = m
		delete(o, field)
	}
	out := r.fields(o)
	maps.Copy(out, values)
	return out
}

// fingerprint distinguishes a value from others without revealing it.
func fingerprint(v any, encoded bool) string {
	s, ok := v.(string)
	if !ok {
		return redacted
	}
	raw := []byte(s)
	if encoded {
		if decoded, err := base64.StdEncoding.DecodeString(s); err == nil {
			raw = decoded
		}
	}
	sum := sha256.Sum256(raw)
	return fmt.Sprintf("redacted, %d bytes, sha256 %s", len(raw), hex.EncodeToString(sum[:4]))
}

package config

import (
	"regexp"
	"strings"
)

var (
	secretKey   = regexp.MustCompile(`(?i)passw|token|secret|credential|authorization|private.?key|api.?key`)
	userInfo    = regexp.MustCompile(`[^\s/@]+:[^\s/@]+@`)
	pemKey      = "PRIVATE KEY-----"
	placeholder = "redacted"
)

// Redacted returns the configuration for a report: nested like the file, with
// every setting and its value in effect. Values whose key looks secret, passwords
// in addresses and private keys are replaced by "redacted".
func (c Config) Redacted() map[string]any {
	out := map[string]any{}
	for _, s := range settings() {
		section, name, _ := strings.Cut(s.key, ".")
		if out[section] == nil {
			out[section] = map[string]any{}
		}
		out[section].(map[string]any)[name] = redacted("", s.get(c))
	}
	return out
}

// redacted copies v without what looks secret; key is where it stands.
func redacted(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		return redactedMap(v)
	case map[string]string:
		return redactedMap(v)
	case []any:
		return redactedList(key, v)
	case []string:
		return redactedList(key, v)
	case string:
		return redactedText(key, v)
	}
	if secretKey.MatchString(key) && v != nil {
		return placeholder
	}
	return v
}

func redactedMap[T any](m map[string]T) any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = redacted(k, v)
	}
	return out
}

func redactedList[T any](key string, list []T) any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = redacted(key, v)
	}
	return out
}

func redactedText(key, s string) any {
	if s != "" && secretKey.MatchString(key) || strings.Contains(s, pemKey) {
		return placeholder
	}
	return userInfo.ReplaceAllString(s, placeholder+"@")
}

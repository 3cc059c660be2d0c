package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// value is how a setting is read from text and stored.
type value struct {
	kind  string // text, number, bool, duration, list, pairs or yaml
	want  string // what is accepted, in words that follow "want"
	alone string // what the flag means without a value; empty: it needs one
	// choices are the values that a shell completes; nil where none are known.
	choices []string
	set     func(c *Config, text string) error
	get     func(c Config) any
}

var (
	dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	minor    = regexp.MustCompile(`^[0-9]+\.[0-9]+$`)
	registry = regexp.MustCompile(`^[^\s/]+(:[0-9]+)?(/[^\s]+)*$`)
)

// text makes a value of a string that check accepts.
func text(at func(*Config) *string, want string, check func(string) error) value {
	return value{kind: "text", want: want,
		set: func(c *Config, s string) error { *at(c) = s; return check(s) },
		get: func(c Config) any { return *at(&c) }}
}

func matches(ok bool) error {
	if ok {
		return nil
	}
	return errMismatch
}

// wantAny is what a setting accepts that takes every text.
const wantAny = "any text"

func anyText(at func(*Config) *string) value {
	return text(at, wantAny, func(string) error { return nil })
}

func someText(at func(*Config) *string) value {
	return text(at, "some text", func(s string) error { return matches(strings.TrimSpace(s) != "") })
}

func oneOf(at func(*Config) *string, allowed ...string) value {
	v := text(at, orList(allowed), func(s string) error { return matches(slices.Contains(allowed, s)) })
	v.choices = allowed
	return v
}

// label is a DNS-1123 label, as Kubernetes asks of a namespace.
func label(at func(*Config) *string) value {
	return text(at, "a DNS-1123 label (a-z, 0-9 and -, at most 63)", func(s string) error {
		return matches(len(s) <= 63 && dnsLabel.MatchString(s))
	})
}

// minorVersion may be any; those of flavour istio are offered to a shell.
func minorVersion(at func(*Config) *string, offered ...string) value {
	v := text(at, `a minor version such as "1.31"`, func(s string) error { return matches(s == "" || minor.MatchString(s)) })
	v.choices = offered
	return v
}

func mirror(at func(*Config) *string) value {
	return text(at, "a registry, host[:port][/prefix] without a scheme", func(s string) error {
		return matches(s == "" || registry.MatchString(s) && !strings.Contains(s, "://"))
	})
}

// optional also accepts that nothing is set.
func optional(v value) value {
	set := v.set
	v.set = func(c *Config, s string) error {
		if s == "" {
			return nil
		}
		return set(c, s)
	}
	return v
}

func existingFile(at func(*Config) *string) value {
	return text(at, "a file that can be read", func(s string) error {
		if s == "" {
			return nil
		}
		st, err := os.Stat(s)
		if err != nil {
			return err
		}
		return matches(!st.IsDir())
	})
}

func pattern(at func(*Config) *string) value {
	return text(at, "a regular expression", func(s string) error { _, err := regexp.Compile(s); return err })
}

// ranged makes a value of a number between two bounds.
func ranged[T cmp.Ordered](at func(*Config) *T, kind, want string, lo, hi T, parse func(string) (T, error)) value {
	return value{kind: kind, want: want,
		set: func(c *Config, s string) error {
			n, err := parse(s)
			*at(c) = n
			return matches(err == nil && n >= lo && n <= hi)
		},
		get: func(c Config) any { return *at(&c) }}
}

func whole(at func(*Config) *int, lo, hi int) value {
	return ranged(at, "number", fmt.Sprintf("a whole number from %d to %d", lo, hi), lo, hi, strconv.Atoi)
}

func factor(at func(*Config) *float64, lo, hi float64) value {
	return ranged(at, "number", fmt.Sprintf("a number from %g to %g", lo, hi), lo, hi,
		func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
}

func span(at func(*Config) *time.Duration) value {
	return duration(at, "a duration from 100ms to 2h, such as 90s", 100*time.Millisecond, 2*time.Hour)
}

func duration(at func(*Config) *time.Duration, want string, lo, hi time.Duration) value {
	v := ranged(at, "duration", want, lo, hi, time.ParseDuration)
	v.get = func(c Config) any { return at(&c).String() }
	return v
}

// pause is a duration that the flag alone sets too.
func pause(at func(*Config) *time.Duration, alone string) value {
	v := duration(at, "a duration up to 24h, such as 30m (the flag alone: "+alone+")", 0, 24*time.Hour)
	v.alone = alone
	return v
}

func yesNo(at func(*Config) *bool) value {
	return value{kind: "bool", want: "true or false", alone: "true", choices: []string{"true", "false"},
		set: func(c *Config, s string) error {
			*at(c) = s == "true"
			return matches(s == "true" || s == "false")
		},
		get: func(c Config) any { return *at(&c) }}
}

func words(at func(*Config) *[]string) value {
	return value{kind: "list", want: "names separated by commas",
		set: func(c *Config, s string) error {
			*at(c) = split(s)
			for _, w := range *at(c) {
				if w == "" {
					return errMismatch
				}
			}
			return nil
		},
		get: func(c Config) any { return *at(&c) }}
}

func pairs(at func(*Config) *map[string]string) value {
	return value{kind: "pairs", want: "key=value pairs separated by commas",
		set: func(c *Config, s string) error {
			all := map[string]string{}
			for _, w := range split(s) {
				k, v, ok := strings.Cut(w, "=")
				if _, twice := all[k]; !ok || k == "" || twice {
					return errMismatch
				}
				all[k] = v
			}
			*at(c) = all
			return nil
		},
		get: func(c Config) any { return *at(&c) }}
}

// document is YAML in place: a mapping in the file, its text elsewhere. What JSON
// cannot say, such as a key that is no string, Helm could not take either.
func document(at func(*Config) *map[string]any) value {
	return value{kind: "yaml", want: "a YAML mapping, such as {pilot: {replicaCount: 2}}",
		set: func(c *Config, s string) error {
			if err := yaml.Unmarshal([]byte(s), at(c)); err != nil {
				return err
			}
			_, err := json.Marshal(*at(c))
			return err
		},
		get: func(c Config) any { return *at(&c) }}
}

// split cuts at commas; nothing is an empty list.
func split(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	all := strings.Split(s, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// orList writes "a, b or c".
func orList(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

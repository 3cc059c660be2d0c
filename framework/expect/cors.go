package expect

import (
	"slices"
	"strings"

	"meshgate/framework/probe"
)

// CORS is a policy as the answer to a preflight tells it.
type CORS struct {
	Origin      string
	Methods     []string // exactly these, in any order
	Headers     []string // exactly these, in any order and case
	MaxAge      string   // seconds; empty means that the header must be absent
	Credentials bool
}

const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowMethods     = "Access-Control-Allow-Methods"
	allowHeaders     = "Access-Control-Allow-Headers"
	allowCredentials = "Access-Control-Allow-Credentials"
	exposeHeaders    = "Access-Control-Expose-Headers"
	maxAge           = "Access-Control-Max-Age"
)

// Preflight wants the answer to a preflight to tell the whole policy (docs/spec/basic-gateway.md#cors).
func Preflight(want CORS) Check {
	return CheckOf([]Field{HeaderField(allowOrigin), HeaderField(allowMethods), HeaderField(allowHeaders), HeaderField(maxAge), HeaderField(allowCredentials)}, func(o probe.Observation) error {
		credentials := noHeader(o, allowCredentials)
		if want.Credentials {
			credentials = header(o, allowCredentials, "true")
		}
		age := noHeader(o, maxAge)
		if want.MaxAge != "" {
			age = header(o, maxAge, want.MaxAge)
		}
		return verdict(o,
			header(o, allowOrigin, want.Origin),
			listed(o, allowMethods, want.Methods, strings.ToUpper),
			listed(o, allowHeaders, want.Headers, strings.ToLower),
			age, credentials)
	})
}

// NoCORS wants a response without any CORS header.
func NoCORS() Check {
	return CheckOf([]Field{HeaderField(allowOrigin), HeaderField(allowMethods), HeaderField(allowHeaders), HeaderField(exposeHeaders), HeaderField(maxAge), HeaderField(allowCredentials)}, func(o probe.Observation) error {
		var wrong []error
		for name := range o.Header {
			if strings.HasPrefix(strings.ToLower(name), "access-control-") {
				wrong = append(wrong, noHeader(o, name))
			}
		}
		if o.Failure != nil {
			wrong = append(wrong, noHeader(o, allowOrigin))
		}
		slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return verdict(o, wrong...)
	})
}

// listed compares a list-valued header as a set.
func listed(o probe.Observation, name string, want []string, fold func(string) string) error {
	got, there := value(o, name)
	if !there && len(want) > 0 {
		return &Mismatch{Field: HeaderField(name), Want: strings.Join(want, ","), Got: absent(o)}
	}
	return unless(slices.Equal(set(want, fold), set(tokens(got), fold)), HeaderField(name), strings.Join(want, ","), got)
}

func set(all []string, fold func(string) string) []string {
	var out []string
	for _, s := range all {
		out = append(out, fold(s))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

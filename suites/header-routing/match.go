package headerrouting

import (
	"meshgate/framework/expect"
	"meshgate/framework/suite"
)

// exactHeader: the value is compared as it is, and the name as HTTP has it, in any case.
func exactHeader() suite.Feature {
	const feature, route = "exact", "header-routing-exact"
	const (
		others  = "requests with other values, or without the header, are served by stable"
		anyCase = "the name of the header is matched in upper case too"
	)
	canary := serves("canary", get(feature).WithHeader("x-release", "canary"))
	return suite.Feature{
		Name:    "ExactHeader",
		Promise: "A header with exactly the value of the match decides; another value or no header does not.",
		Spec:    spec,
		Setup:   objects(feature),
		Steps: []suite.Step{
			suite.Eventually("requests with the value are served by canary", canary),
			suite.Now(others,
				serves("stable", get(feature)),
				serves("stable", get(feature).WithHeader("x-release", "stable")),
				serves("stable", get(feature).WithHeader("x-release", "canary-2")),
				serves("stable", get(feature).WithHeader("x-release", "Canary"))),
			suite.Now(anyCase, serves("canary", get(feature).WithHeader("X-RELEASE", "canary"))),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", route, expect.FieldStatus),
			suite.Replace("VirtualService", route, expect.FieldReceivedApp, "stable", "spec", "http", "0", "route", "0", "destination", "host"),
			suite.Replace("VirtualService", route, expect.FieldReceivedApp, map[string]any{"prefix": "canary"}, "spec", "http", "0", "match", "0", "headers", "x-release").
				Called("a prefix instead of the exact value").At(others),
			suite.Replace("VirtualService", route, expect.FieldReceivedApp, map[string]any{"regex": "(?i)canary"}, "spec", "http", "0", "match", "0", "headers", "x-release").
				Called("the value in any case").At(others),
			suite.BreakBefore(anyCase, "another value from then on", expect.FieldReceivedApp, suite.Sequence(
				suite.Set("VirtualService", route, "other", "spec", "http", "0", "match", "0", "headers", "x-release", "exact"),
				suite.WaitFor(suite.Not(canary)))),
		},
	}
}

// regexHeader: the expression has to match the whole value.
func regexHeader() suite.Feature {
	const feature, route = "regex", "header-routing-regex"
	const parts = "requests with a value of which only a part matches are served by stable"
	version := func(app, value string) suite.Exchange {
		return serves(app, get(feature).WithHeader("x-version", value))
	}
	return suite.Feature{
		Name:    "RegexHeader",
		Promise: "A regular expression matches the whole value of a header, and not a part of it.",
		Spec:    spec,
		Setup:   objects(feature),
		Steps: []suite.Step{
			suite.Eventually("requests with a value that matches are served by canary", version("canary", "v2"), version("canary", "v10")),
			suite.Now(parts, version("stable", "v2-beta"), version("stable", "rv2"), version("stable", "v"), version("stable", "V2")),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", route, expect.FieldStatus),
			suite.Replace("VirtualService", route, expect.FieldReceivedApp, "v[0-9]", "spec", "http", "0", "match", "0", "headers", "x-version", "regex"),
			suite.Replace("VirtualService", route, expect.FieldReceivedApp, "v[0-9]+.*", "spec", "http", "0", "match", "0", "headers", "x-version", "regex").At(parts),
			suite.Replace("VirtualService", route, expect.FieldReceivedApp, ".*v[0-9]+", "spec", "http", "0", "match", "0", "headers", "x-version", "regex").At(parts),
		},
	}
}

package runner

import (
	"flag"
	"meshgate/framework/suite"
	"regexp"
	"slices"
	"strings"

	"meshgate/framework/config"

	"sigs.k8s.io/e2e-framework/pkg/envconf"
)

// Selects tells which features a configuration selects.
func Selects(run config.Run) func(suite string, f suite.Feature) bool {
	filter := narrowed(envconf.New(), run)
	return func(of string, f suite.Feature) bool {
		return (len(run.Suites) == 0 || slices.Contains(run.Suites, of)) && selects(filter, of, f)
	}
}

// narrowed is a selection in e2e-framework's words; what it has already stays.
func narrowed(filter *envconf.Config, run config.Run) *envconf.Config {
	if run.Feature != "" && filter.FeatureRegex() == nil {
		filter.WithFeatureRegex(run.Feature)
	}
	if len(run.Labels) > 0 && len(filter.Labels()) == 0 {
		labels := map[string][]string{}
		for k, v := range run.Labels {
			labels[k] = []string{v}
		}
		filter.WithLabels(labels)
	}
	return filter
}

// selects tells beforehand what e2e-framework will make of a feature.
func selects(filter *envconf.Config, suite string, f suite.Feature) bool {
	if re := filter.FeatureRegex(); re != nil && !re.MatchString(f.Name) {
		return false
	}
	if re := filter.SkipFeatureRegex(); re != nil && re.MatchString(f.Name) {
		return false
	}
	for key, values := range filter.Labels() {
		if !labelled(f, suite, key, values) {
			return false
		}
	}
	for key, values := range filter.SkipLabels() {
		if labelled(f, suite, key, values) {
			return false
		}
	}
	return true
}

// labelled tells whether a feature of a suite carries a label with one of these values.
func labelled(f suite.Feature, of, key string, values []string) bool {
	got, ok := f.Labels[key]
	return ok && slices.Contains(values, got) || key == "suite" && slices.Contains(values, of)
}

// matched tells what `go test -run` will make of a feature, whose name is the second part
// of its test's.
func matched(f suite.Feature) bool {
	run := flag.Lookup("test.run")
	if run == nil {
		return true
	}
	parts := strings.Split(run.Value.String(), "/")
	if len(parts) < 2 {
		return true
	}
	matches, err := regexp.MatchString(parts[1], f.Name)
	return matches || err != nil
}

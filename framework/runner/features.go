package runner

import (
	"slices"

	"meshgate/framework/mesh"
	"meshgate/framework/report"
	"meshgate/framework/suite"
)

// closing are the steps that the runner adds at the end of every feature.
func closing() []suite.Step {
	return []suite.Step{suite.Logged("every request has exactly one line in the gateway's access log", nil)}
}

// stepsOf are the steps of a feature, with those that end every feature.
func stepsOf(f suite.Feature) []suite.Step { return slices.Concat(f.Steps, closing()) }

// Steps lists the names of a feature's steps, with those that end every feature.
func Steps(f suite.Feature) []string {
	var names []string
	for _, s := range stepsOf(f) {
		names = append(names, s.Name)
	}
	return names
}

// Assertions lists the steps by which the feature can turn red for the mesh's sake, with
// those that end every feature.
func Assertions(f suite.Feature) []string {
	var names []string
	for _, s := range stepsOf(f) {
		if s.Kind == report.Assertion {
			names = append(names, s.Name)
		}
	}
	return names
}

// EndsEvery tells whether a step is one of those that end every feature.
func EndsEvery(step string) bool {
	return slices.ContainsFunc(closing(), func(s suite.Step) bool { return s.Name == step })
}

// Target is the step at which a sabotage must turn the feature red: that of At, or else the
// first that is no action.
func Target(f suite.Feature, w suite.Sabotage) string {
	if w.Step != "" {
		return w.Step
	}
	for _, s := range f.Steps {
		if s.Kind != report.Action {
			return s.Name
		}
	}
	return ""
}

// GatewaysOf lists the gateways that suites need in addition to the shared ones.
func GatewaysOf(suites ...suite.Suite) []mesh.GatewaySpec {
	var all []mesh.GatewaySpec
	for _, s := range suites {
		all = append(all, s.Gateways...)
	}
	return all
}

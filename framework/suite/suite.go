// Package suite is how a promise of the mesh becomes a test. A Suite is data: what
// it promises, what it needs, what stands before it begins, and its features. It
// compiles to e2e-framework's features; this is the only package that imports them,
// and the only one that imports testing.
//
// Steps return errors. One adapter owns *testing.T: it captures evidence at the
// first failure, before anything is cleaned up, and only then fails the test.
package suite

import (
	"context"
	"fmt"

	"meshgate/framework/mesh"
)

// Suite is one user story.
type Suite struct {
	// Name is the suite's folder, such as "basic-gateway".
	Name string
	// Promise is the story in one sentence.
	Promise string
	// Needs are capabilities without which no feature of it can run.
	Needs []mesh.Capability
	// Namespaces are made for the suite as members of the mesh. Fixtures call them
	// by these readable names; the real ones end in the suite's name.
	Namespaces []string
	// Outside are namespaces made for the suite that are no members, likewise.
	Outside []string
	// Gateways are those that the suite needs beside the shared ones. On a mesh that
	// has not all of them the suite is skipped, and the report says why.
	Gateways []mesh.GatewaySpec
	// Given stands while any of its features runs; usually the applications.
	Given []Given
	// Prepare does what objects cannot once they stand, such as filling a database.
	// When it fails, no feature is asked: that is a failure of the surroundings.
	Prepare func(context.Context, *Env) error
	// Features run side by side, but for those that are to be alone. Each has hosts
	// and objects of its own.
	Features []Feature
}

// Feature is one promise that a user of the mesh relies on.
type Feature struct {
	// Name is unique in the suite: "HTTPSRedirect".
	Name string
	// Promise says it in one sentence.
	Promise string
	// Spec is where the expectation comes from: "spec.md#basic-gateway".
	Spec string
	// Needs are capabilities; where one is absent the feature is skipped, and the
	// report says why.
	Needs []mesh.Capability
	// Labels select features by --labels; "suite" is always there.
	Labels map[string]string
	// Alone features disturb what the others share, such as the applications: they run
	// after them, one at a time.
	Alone bool
	// Given is applied before the first step and removed after the last.
	Given []Given
	// Then are the steps, in order; the first that fails ends the feature.
	Then []Step
	// Sabotage is what must turn the feature red, each on its own.
	Sabotage []Sabotage
}

// Step is one action or assertion of a feature.
type Step struct {
	// Name says what is asserted, in words that fit after the feature's name.
	Name string
	// kind separates assertions from positive controls and actions.
	kind kind
	// needs is a capability without which the step, and only it, is skipped.
	needs mesh.Capability
	// exchanges are what it asks; none: run does something else.
	exchanges []Exchange
	run       func(context.Context, *Env) (result, error)
}

// GatewaysOf lists the gateways that suites need beside the shared ones.
func GatewaysOf(suites ...Suite) []mesh.GatewaySpec {
	var all []mesh.GatewaySpec
	for _, s := range suites {
		all = append(all, s.Gateways...)
	}
	return all
}

// validate refuses a suite that could be green without proving anything.
func (s Suite) validate() error {
	if s.Name == "" || s.Promise == "" || len(s.Features) == 0 {
		return fmt.Errorf("suite %q: name, promise and at least one feature are needed", s.Name)
	}
	seen := map[string]bool{}
	for _, f := range s.Features {
		if seen[f.Name] {
			return fmt.Errorf("suite %s: two features are called %q", s.Name, f.Name)
		}
		seen[f.Name] = true
		if err := f.validate(); err != nil {
			return fmt.Errorf("suite %s: %w", s.Name, err)
		}
	}
	return nil
}

func (f Feature) validate() error {
	if f.Name == "" || f.Promise == "" || f.Spec == "" {
		return fmt.Errorf("feature %q: name, promise and spec are needed", f.Name)
	}
	names, asserts := map[string]bool{}, 0
	for _, st := range f.Then {
		if names[st.Name] {
			return fmt.Errorf("feature %s: two steps are called %q", f.Name, st.Name)
		}
		if st.Name == "" {
			return fmt.Errorf("feature %s: a step has no name, and neither reports nor filters see it", f.Name)
		}
		names[st.Name] = true
		if st.kind == assertion {
			asserts++
		}
	}
	if asserts == 0 {
		return fmt.Errorf("feature %s asserts nothing", f.Name)
	}
	return f.sabotageable()
}

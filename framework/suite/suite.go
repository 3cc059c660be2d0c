// Package suite is the language in which a promise of the mesh is written as a test. A
// Suite is data: what it promises, what it needs, which objects it sets up, and its
// features. A Feature is data too: its objects, its steps in order, and for each
// assertion a Sabotage that must turn it red.
//
// Nothing here runs anything: framework/runner carries suites out, and is the only
// package that owns *testing.T. Suites import this package and never the runner.
package suite

import (
	"context"

	"meshgate/framework/mesh"
)

// Suite is one user story.
type Suite struct {
	// Name is the suite's folder, such as "basic-gateway".
	Name string
	// Promise is the story in one sentence.
	Promise string
	// Needs are capabilities without which no feature of the suite can run.
	Needs []mesh.Capability
	// Namespaces are created for the suite as members of the mesh. Fixtures call them
	// by these readable names; the real names end in the suite's name.
	Namespaces []string
	// Outside are namespaces created for the suite that are not members of the mesh.
	Outside []string
	// Gateways are the gateways that the suite needs in addition to the shared ones. On a mesh
	// that lacks one of them the suite is skipped, and the report says why.
	Gateways []mesh.GatewaySpec
	// Setup makes the objects that exist while any of the features runs, usually the
	// applications.
	Setup []Setup
	// Prepare does, once these objects are ready, what objects cannot do, such as filling
	// a database. When it fails no feature runs: that is an infrastructure error.
	Prepare func(context.Context, Env) error
	// Features run concurrently, except those that are Alone. Each has hosts and objects
	// of its own.
	Features []Feature
}

// Feature is one promise that a user of the mesh relies on.
type Feature struct {
	// Name is unique in the suite: "HTTPSRedirect".
	Name string
	// Promise states the promise in one sentence.
	Promise string
	// Spec is the page on which a section with the feature's name says what is expected
	// and why: "docs/spec/basic-gateway.md".
	Spec string
	// Needs are capabilities; where one is absent the feature is skipped, and the
	// report says why.
	Needs []mesh.Capability
	// Labels select features by --labels; the label "suite" is always there.
	Labels map[string]string
	// Alone features disturb what the others share, such as the applications: they run
	// after the others, one at a time.
	Alone bool
	// Setup makes the objects that are applied before the first step and removed after
	// the last.
	Setup []Setup
	// Steps run in order; the first that fails ends the feature.
	Steps []Step
	// Sabotage lists the changes that must turn the feature red, each on its own.
	Sabotage []Sabotage
}

package suite

import (
	"fmt"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/wait"
)

// Infrastructure marks an error as one of the infrastructure (API server, agent, a fixture
// of ours) and not of the mesh: the feature ends in "error", never in "fail". Nil is nil.
func Infrastructure(err error) error { return expect.Infrastructure(err) }

// couldNotLook is the error of a probe that could not look, which is not one that saw
// something bad; nil if it could. Polling ends with it.
func couldNotLook(o probe.Observation) error {
	if o.Failure == nil || (o.Failure.Class != probe.ClassAgent && o.Failure.Class != probe.ClassRequest && o.Failure.Class != probe.ClassCancelled) {
		return nil
	}
	return wait.Final(Infrastructure(fmt.Errorf("the probe could not look: %s: %s", o.Failure.Class, o.Failure.Message)))
}

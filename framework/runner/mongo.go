package runner

import (
	"context"
	"fmt"
	"meshgate/framework/suite"

	"meshgate/framework/probe"
)

func (e *environment) HoldMongo(ctx context.Context, gateway string, r probe.Request) (*probe.Mongo, probe.Observation) {
	r, err := e.through(gateway, r)
	if err != nil {
		return nil, impossible(err)
	}
	return probe.HoldMongo(ctx, r)
}

func (e *environment) SetUpMongo(ctx context.Context, namespace, app string, port int, r probe.Request, do func(*probe.Mongo) error) error {
	local, stop, err := e.forward(ctx, namespace, app, port)
	if err != nil {
		return err
	}
	defer stop()
	r.Connect = local
	r.Timeout = e.budget.Programmed // it is in nobody's way, while all suites are starting
	m, seen := probe.HoldMongo(ctx, e.trusting(r))
	if m == nil {
		return notSetUp(e.Namespace(namespace), r.Mongo.Username, seen)
	}
	defer m.Close()
	e.Note("the database in namespace %s is %s", e.Namespace(namespace), m.Server())
	return suite.Infrastructure(do(m))
}

// notSetUp names what is ours about it: a password of ours that the database refuses says
// nothing about the mesh.
func notSetUp(namespace, user string, seen probe.Observation) error {
	return suite.Infrastructure(fmt.Errorf("set up the database in namespace %s as user %s: %s in %s: %s",
		namespace, user, seen.Failure.Class, seen.Failure.Phase, seen.Failure.Message))
}

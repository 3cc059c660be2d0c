package suite

import (
	"context"
	"fmt"

	"meshgate/framework/probe"
)

// HoldMongo opens a client of a MongoDB behind a gateway, which the caller closes.
func (e *Env) HoldMongo(ctx context.Context, gateway string, r probe.Request) (*probe.Mongo, probe.Observation) {
	r, err := e.through(gateway, r)
	if err != nil {
		return nil, impossible(err)
	}
	return probe.HoldMongo(ctx, r)
}

// SetUpMongo opens a client of a MongoDB past the mesh, by the first pod of an
// application, and gives it to do: for filling the database, not for asserting anything.
// The report says which server it is. A refusal is an error of the set-up.
func (e *Env) SetUpMongo(ctx context.Context, namespace, app string, port int, r probe.Request, do func(*probe.Mongo) error) error {
	local, stop, err := e.Forward(ctx, namespace, app, port)
	if err != nil {
		return err
	}
	defer stop()
	r.Connect = local
	r.Timeout = e.Budget.Programmed // it is in nobody's way, while all suites are starting
	m, seen := probe.HoldMongo(ctx, e.trusting(r))
	if m == nil {
		return notSetUp(e.Namespace(namespace), r.Mongo.Username, seen)
	}
	defer m.Close()
	e.Note("the database in namespace %s is %s", e.Namespace(namespace), m.Server())
	return Broken(do(m))
}

// notSetUp names what is ours about it: a password of ours that the database refuses says
// nothing about the mesh.
func notSetUp(namespace, user string, seen probe.Observation) error {
	return Broken(fmt.Errorf("set up the database in namespace %s as user %s: %s in %s: %s",
		namespace, user, seen.Failure.Class, seen.Failure.Phase, seen.Failure.Message))
}

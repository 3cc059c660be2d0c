package mongoingress

import (
	"context"
	"fmt"

	"meshgate/framework/expect"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/ratingsdb"
	"meshgate/framework/suite"
)

// The fields of held sessions.
const (
	fieldOpenCursor   expect.Field = "open cursor"
	fieldWrite        expect.Field = "write through the gateway"
	fieldAcknowledged expect.Field = "documents acknowledged"
)

// reading is the request of read, for a client that is held.
func reading(e suite.Env, host string) probe.Request {
	r := read(host).Request
	r.Mongo = e.Login(reader).At(ratingsdb.Database)
	return r
}

// client is a driver's client that is held over several steps.
type client struct{ held *probe.Mongo }

func (c *client) connect(ctx context.Context, e suite.Env, r probe.Request) error {
	m, seen := e.HoldMongo(ctx, gateway, r)
	c.held = m
	return expect.Connected().Judge(seen)
}

// cursor is read in part, and the rest later.
type cursor struct {
	client
	rows   *ratingsdb.Cursor
	opened int // connections, when the first part was read
}

func (c *cursor) begin(ctx context.Context, e suite.Env, host string) (err error) {
	if err := c.connect(ctx, e, reading(e, host)); err != nil {
		return err
	}
	if c.rows, err = ratingsdb.OpenCursor(ctx, c.held.Database()); err != nil {
		return suite.Infrastructure(err)
	}
	c.opened = len(c.held.Find(ctx).Connections)
	return suite.Infrastructure(c.rows.Next(ctx))
}

// end wants the second of the two documents, which the server has still to send.
func (c *cursor) end(ctx context.Context, _ suite.Env) error {
	defer c.held.Close()
	if err := c.rows.Next(ctx); err != nil {
		return &expect.Mismatch{Field: fieldOpenCursor, Want: "the next document", Got: err.Error()}
	}
	return expect.ConnectionsAre(c.opened).Judge(c.held.Find(ctx))
}

// cut ends the session's connections, as a proxy does that has enough of them.
func (c *cursor) cut(context.Context, suite.Env) error {
	c.held.Close()
	return nil
}

// writer writes numbered documents and remembers how many were acknowledged.
type writer struct {
	client
	acknowledged int
}

func (w *writer) write(ctx context.Context, e suite.Env) error {
	ctx, stop := context.WithTimeout(ctx, e.Budget().Probe)
	defer stop()
	if err := ratingsdb.Append(ctx, w.held.Database(), w.acknowledged); err != nil {
		return &expect.Mismatch{Field: fieldWrite, Want: "acknowledged", Got: err.Error()}
	}
	w.acknowledged++
	return nil
}

func (w *writer) writes(n int) func(context.Context, suite.Env) error {
	return func(ctx context.Context, e suite.Env) error {
		for range n {
			if err := w.write(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}
}

// refused wants a write not to be acknowledged: the driver must not keep it for later.
func (w *writer) refused(ctx context.Context, e suite.Env) error {
	if w.write(ctx, e) != nil {
		return nil
	}
	return &expect.Mismatch{Field: fieldWrite, Want: "an error", Got: "acknowledged, without a database"}
}

// complete wants every document that was acknowledged to be there. One that was not may
// have arrived all the same: its answer was lost.
func (w *writer) complete(ctx context.Context, _ suite.Env) error {
	defer w.held.Close()
	there, err := ratingsdb.Appended(ctx, w.held.Database())
	if err != nil {
		return &expect.Mismatch{Field: fieldAcknowledged, Want: "read again", Got: err.Error()}
	}
	found := map[int]bool{}
	for _, n := range there {
		found[n] = true
	}
	for n := range w.acknowledged {
		if !found[n] {
			return &expect.Mismatch{Field: fieldAcknowledged, Want: fmt.Sprintf("%d, from 0 on", w.acknowledged), Got: fmt.Sprint(there)}
		}
	}
	return nil
}

// early starts the database before the driver notices that it was away: the driver is
// refused once more, on the connection that it lost, and writes by another.
func (w *writer) early(start suite.Action) suite.Action {
	return suite.Sequence(start, suite.WaitFor(suite.That(w.write, fieldWrite)))
}

// lose drops the collection that ratingsdb.Append writes.
func (w *writer) lose(ctx context.Context, _ suite.Env) error {
	return w.held.Database().Collection("journal").Drop(ctx)
}

// connectionLoss restarts the database: it is alone.
func connectionLoss() suite.Feature {
	const name, host = "connection-loss", "loss.mongo.example.com"
	const (
		acknowledged = "20 writes are acknowledged"
		refused      = "a write is refused, and not kept for later"
		started      = "the database is started again"
		writesAgain  = "the same driver writes again"
		complete     = "everything that was acknowledged is there"
	)
	w := &writer{}
	stop := suite.Func(func(ctx context.Context, e suite.Env) error { return e.StopWorkload(ctx, "bookinfo", "mongodb-v1") })
	start := suite.Func(func(ctx context.Context, e suite.Env) error { return e.StartWorkload(ctx, "bookinfo", "mongodb-v1") })
	return suite.Feature{
		Name:    "ConnectionLoss",
		Promise: "A driver outlives a restart of the database behind the gateway, and what was acknowledged is there.",
		Spec:    spec,
		Alone:   true,
		Needs:   []mesh.Capability{mesh.PersistentVolume},
		Setup:   []suite.Setup{credential(name, host), suite.Fixtures("mongo-ingress/connection-loss/*.yaml")},
		Steps: []suite.Step{
			suite.Eventually("the database is reached", read(host, expect.Connected(), expect.Verified())),
			suite.Do("a driver connects", suite.Func(func(ctx context.Context, e suite.Env) error { return w.connect(ctx, e, asRoot(e, host)) })),
			suite.Now(acknowledged, suite.That(w.writes(20), fieldWrite)),
			suite.Do("the database is stopped", stop),
			suite.Now(refused, suite.That(w.refused, fieldWrite)),
			suite.Do(started, start),
			suite.Eventually(writesAgain, suite.That(w.write, fieldWrite)),
			suite.Now(complete, suite.That(w.complete, fieldAcknowledged)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", name, expect.FieldConnection),
			suite.Withhold("Gateway", name, expect.FieldConnection),
			suite.BreakBefore(acknowledged, "the database is away already", fieldWrite, stop),
			suite.BreakBefore(refused, "the database is back already", fieldWrite, w.early(start)),
			suite.BreakBefore(started, "without a route from then on", fieldWrite, suite.Delete("VirtualService", name)).At(writesAgain),
			suite.BreakBefore(complete, "the journal is lost", fieldAcknowledged, suite.Func(w.lose)),
		},
	}
}

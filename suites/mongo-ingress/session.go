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

// client is a driver's client that is held over several steps.
type client struct{ held *probe.Mongo }

func (c *client) connect(ctx context.Context, e *suite.Env, r probe.Request) error {
	m, seen := e.HoldMongo(ctx, gateway, r)
	c.held = m
	return expect.Connected()(seen)
}

// cursor is read in part, and the rest later.
type cursor struct {
	client
	rows   *ratingsdb.Cursor
	opened int // connections, when the first part was read
}

func (c *cursor) begin(ctx context.Context, e *suite.Env, host string) (err error) {
	if err := c.connect(ctx, e, read(host)(e)); err != nil {
		return err
	}
	if c.rows, err = ratingsdb.OpenCursor(ctx, c.held.Database()); err != nil {
		return suite.Broken(err)
	}
	c.opened = len(c.held.Find(ctx).Connections)
	return suite.Broken(c.rows.Next(ctx))
}

// end wants the second of the two documents, which the server has still to send.
func (c *cursor) end(ctx context.Context, _ *suite.Env) error {
	defer c.held.Close()
	if err := c.rows.Next(ctx); err != nil {
		return &expect.Mismatch{Field: "open cursor", Want: "the next document", Got: err.Error()}
	}
	return expect.ConnectionsAre(c.opened)(c.held.Find(ctx))
}

// cut ends the session's connections, as a proxy does that has enough of them.
func (c *cursor) cut(context.Context, *suite.Env) error {
	c.held.Close()
	return nil
}

// writer writes numbered documents and remembers how many were acknowledged.
type writer struct {
	client
	acknowledged int
}

func (w *writer) write(ctx context.Context, e *suite.Env) error {
	ctx, stop := context.WithTimeout(ctx, e.Budget.Probe)
	defer stop()
	if err := ratingsdb.Append(ctx, w.held.Database(), w.acknowledged); err != nil {
		return &expect.Mismatch{Field: "write through the gateway", Want: "acknowledged", Got: err.Error()}
	}
	w.acknowledged++
	return nil
}

func (w *writer) writes(n int) func(context.Context, *suite.Env) error {
	return func(ctx context.Context, e *suite.Env) error {
		for range n {
			if err := w.write(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}
}

// refused wants a write not to be acknowledged: the driver must not keep it for later.
func (w *writer) refused(ctx context.Context, e *suite.Env) error {
	if w.write(ctx, e) != nil {
		return nil
	}
	return &expect.Mismatch{Field: "write through the gateway", Want: "an error", Got: "acknowledged, without a database"}
}

// complete wants every document that was acknowledged to be there. One that was not may
// have arrived all the same: its answer was lost.
func (w *writer) complete(ctx context.Context, _ *suite.Env) error {
	defer w.held.Close()
	there, err := ratingsdb.Appended(ctx, w.held.Database())
	if err != nil {
		return &expect.Mismatch{Field: "documents acknowledged", Want: "read again", Got: err.Error()}
	}
	found := map[int]bool{}
	for _, n := range there {
		found[n] = true
	}
	for n := range w.acknowledged {
		if !found[n] {
			return &expect.Mismatch{Field: "documents acknowledged", Want: fmt.Sprintf("%d, from 0 on", w.acknowledged), Got: fmt.Sprint(there)}
		}
	}
	return nil
}

// early starts the database before the driver is to notice that it is away: it is refused
// once more, on the connection that it lost, and writes by another.
func (w *writer) early(start suite.Deed) suite.Deed {
	return func(ctx context.Context, e *suite.Env) error {
		if err := start(ctx, e); err != nil {
			return err
		}
		return e.Await(ctx, "the driver writes", func(ctx context.Context) error { return w.write(ctx, e) })
	}
}

// lose drops the collection that ratingsdb.Append writes.
func (w *writer) lose(ctx context.Context, _ *suite.Env) error {
	return w.held.Database().Collection("journal").Drop(ctx)
}

// connectionLoss restarts the database: it is alone.
func connectionLoss() suite.Feature {
	const name, host, writes = "connection-loss", "loss.mongo.example.com", 20
	w := &writer{}
	stop := func(ctx context.Context, e *suite.Env) error { return e.StopWorkload(ctx, "bookinfo", "mongodb-v1") }
	start := func(ctx context.Context, e *suite.Env) error { return e.StartWorkload(ctx, "bookinfo", "mongodb-v1") }
	return suite.Feature{
		Name:    "ConnectionLoss",
		Promise: "A driver outlives a restart of the database behind the gateway, and what was acknowledged is there.",
		Spec:    spec,
		Alone:   true,
		Needs:   []mesh.Capability{mesh.PersistentVolume},
		Given:   []suite.Given{credential(name, host), suite.Apply("mongo-ingress/connection-loss/*.yaml")},
		Then: []suite.Step{
			suite.Eventually("the database is reached", suite.AskLate(read(host), expect.Connected(), expect.Verified()).Through(gateway)),
			suite.Do("a driver connects", func(ctx context.Context, e *suite.Env) error { return w.connect(ctx, e, asRoot(e, host)) }),
			suite.Holds(fmt.Sprintf("%d writes are acknowledged", writes), w.writes(writes)),
			suite.Do("the database is stopped", stop),
			suite.Holds("a write is refused, and not kept for later", w.refused),
			suite.Do("the database is started again", start),
			suite.Becomes("the same driver writes again", w.write),
			suite.Holds("everything that was acknowledged is there", w.complete),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", name, "connection"),
			suite.Withhold("Gateway", name, "connection"),
			suite.Meddle(fmt.Sprintf("%d writes are acknowledged", writes), "the database is away already", "write through the gateway", stop),
			suite.Meddle("a write is refused, and not kept for later", "the database is back already", "write through the gateway", w.early(start)),
			suite.Meddle("the database is started again", "without a route from then on", "write through the gateway",
				suite.Withdrawn("VirtualService", name)).At("the same driver writes again"),
			suite.Meddle("everything that was acknowledged is there", "the journal is lost", "documents acknowledged", w.lose),
		},
	}
}

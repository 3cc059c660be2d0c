package mongoingress

import (
	"context"
	"fmt"

	"meshgate/framework/expect"
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

package suite

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
)

// Crowd is a number of callers who make the same request at the same time, and whom the
// external server holds until they are released (fixtures/world, query parameter "until").
// So how many of them the server has at a time depends on the limits of the mesh alone, on a
// machine of any speed.
type Crowd struct {
	// Request is what each of them sends.
	Request probe.Request
	// Client is the application from whose pod they ask.
	Client App
	// Server holds them; the request has to reach it.
	Server Server
	// Port is a port of the server that is not part of the mesh, for releasing them.
	Port int
	// Callers is how many there are.
	Callers int

	gate    string
	answers chan []probe.Observation
}

// AskTogether has all callers of the crowds ask. When the feature ends, however it ends, they
// are released.
func AskTogether(crowds ...*Crowd) Action {
	return Func(func(ctx context.Context, e Env) error {
		for _, c := range crowds {
			if err := c.ask(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *Crowd) ask(ctx context.Context, e Env) error {
	c.gate, c.answers = rand.Text(), make(chan []probe.Observation, 1)
	u, err := url.Parse(c.Request.URL)
	if err != nil {
		return Infrastructure(err)
	}
	query := u.Query()
	query.Set("until", c.gate)
	u.RawQuery = query.Encode()
	requests := make([]probe.Request, c.Callers)
	for i := range requests {
		requests[i] = c.Request
		requests[i].URL = u.String()
		requests[i].Timeout = 3 * e.Budget().Converged // they are held while other conditions are waited for
	}
	e.Finally(func(ctx context.Context) error { return c.release(ctx, e) })
	go func() { c.answers <- e.AskAllFrom(ctx, c.Client.Namespace, c.Client.Name, 0, requests...) }()
	return nil
}

func (c *Crowd) release(ctx context.Context, e Env) error {
	_, err := e.AskServer(ctx, c.Server.Namespace, c.Server.Service, c.Port, http.MethodPost, "/gates/"+c.gate)
	return err
}

// Answers releases the crowds, and wants so many answers by status, of all of them together.
// It can be looked at once.
func Answers(want map[int]int, crowds ...*Crowd) Condition {
	return That(func(ctx context.Context, e Env) error {
		for _, c := range crowds { // all of them first, because one may wait behind another
			if err := c.release(ctx, e); err != nil {
				return err
			}
		}
		got := map[int]int{}
		for _, c := range crowds {
			for _, o := range <-c.answers { // each has a timeout
				if err := expect.Answered().Judge(o); err != nil {
					return err
				}
				got[o.Status]++
			}
		}
		if maps.Equal(got, want) {
			return nil
		}
		return &expect.Mismatch{Field: expect.FieldAnswers, Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
	}, expect.FieldAnswers, expect.FieldOutcome)
}

// Count is how many requests the external server has at the moment, the most that it had at
// one time, and how many it had in all, since ResetCounts.
type Count struct{ Now, Most, Total int }

// Counts are the external server's counts for a host (fixtures/world), by the value of the
// request header plan-type.
func Counts(ctx context.Context, e Env, s Server, port int, host string) (map[string]Count, error) {
	body, err := e.AskServer(ctx, s.Namespace, s.Service, port, http.MethodGet, "/in-flight?host="+host)
	if err != nil {
		return nil, err
	}
	var all struct{ Plans map[string]Count }
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, Infrastructure(fmt.Errorf("counts of the external server: %w", err))
	}
	return all.Plans, nil
}

// ResetCounts has the external server forget what it counted for a host.
func ResetCounts(s Server, port int, host string) Action {
	return Func(func(ctx context.Context, e Env) error {
		_, err := e.AskServer(ctx, s.Namespace, s.Service, port, http.MethodPost, "/in-flight/reset?host="+host)
		return err
	})
}

// UnderWay wants the server to have between least and most requests of a plan at the moment.
// most may need the run.
func UnderWay(field expect.Field, s Server, port int, host, plan string, least int, most func(context.Context, Env) (int, error)) Condition {
	return That(func(ctx context.Context, e Env) error {
		all, err := Counts(ctx, e, s, port, host)
		if err != nil {
			return err
		}
		limit, err := most(ctx, e)
		now := all[plan].Now
		if err != nil || least <= now && now <= limit {
			return err
		}
		want := fmt.Sprint(least)
		if limit > least {
			want = fmt.Sprintf("%d to %d", least, limit)
		}
		return &expect.Mismatch{Field: field, Want: want, Got: fmt.Sprint(now)}
	}, field)
}

package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// maxEcho bounds what of the agent's answer an error repeats.
const maxEcho = 300

const (
	// askMargin is what it may take to ask the agent, beside the attempts themselves.
	askMargin = 15 * time.Second
	// askReserve is what it usually takes on a busy machine.
	askReserve = time.Second
)

// Asker makes an HTTP request to a port on a pod's loopback and returns the body of the
// answer; framework/kube.Client is one.
type Asker interface {
	Ask(ctx context.Context, namespace, pod string, port int, method, path string, body []byte) ([]byte, error)
}

type inside struct {
	k              Asker
	namespace, pod string
}

// Inside probes from a pod in which the agent runs. One that cannot be asked is a Failure
// of class "agent": it says nothing about the target.
func Inside(k Asker, namespace, pod string) Prober { return inside{k, namespace, pod} }

func (i inside) via() string { return i.namespace + "/" + i.pod }

// Do implements Prober.
func (i inside) Do(ctx context.Context, r Request) Observation {
	return i.batch(ctx, []Request{r}, 1)[0]
}

// All makes several attempts, concurrency of them at once (0: all), and returns
// them in the order of the requests. From inside a pod the agent is asked for all at
// once, so they are as concurrent as it can make them.
func All(ctx context.Context, p Prober, requests []Request, concurrency int) []Observation {
	if len(requests) == 0 {
		return nil
	}
	if in, ok := p.(inside); ok {
		return in.batch(ctx, requests, concurrency)
	}
	return all(ctx, p, requests, concurrency)
}

func (i inside) batch(ctx context.Context, requests []Request, concurrency int) []Observation {
	began := stamp(time.Now())
	named := make([]Request, len(requests))
	for n, r := range requests {
		named[n] = prepare(ctx, r)
	}
	observations, err := i.ask(ctx, named, concurrency)
	if err != nil {
		observations = make([]Observation, len(named))
		for n, r := range named {
			observations[n] = i.unavailable(r, began, err)
		}
	}
	for n := range observations {
		observations[n].Request.Via = i.via()
	}
	return observations
}

// prepare fixes what must not be left to the agent: the ID, so that it is known
// even if nobody answers, and the time that is left here, less what it takes to bring
// the answer: else a timeout of the target would look like one of ours.
func prepare(ctx context.Context, r Request) Request {
	if r.RequestID == "" {
		r.RequestID = firstValue(r.Header, RequestIDHeader)
	}
	if r.RequestID == "" {
		r.RequestID = newRequestID()
	}
	if r.Timeout == 0 {
		r.Timeout = DefaultTimeout
	}
	if end, ok := ctx.Deadline(); ok {
		left := time.Until(end)
		r.Timeout = max(min(r.Timeout, left-min(left/2, askReserve)), time.Millisecond)
	}
	return r
}

func (i inside) ask(ctx context.Context, requests []Request, concurrency int) ([]Observation, error) {
	input, err := json.Marshal(requests)
	if err != nil {
		return nil, fmt.Errorf("agent in %s: %w", i.via(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit(requests))
	defer cancel()
	answer, err := i.k.Ask(ctx, i.namespace, i.pod, AgentPort, http.MethodPost, agentPath(concurrency), input)
	if err != nil {
		return nil, fmt.Errorf("agent in %s: %w", i.via(), err)
	}
	var observations []Observation
	if err := json.Unmarshal(answer, &observations); err != nil {
		return nil, fmt.Errorf("agent in %s: want observations as JSON, got %q: %w", i.via(), short(answer), err)
	}
	if len(observations) != len(requests) {
		return nil, fmt.Errorf("agent in %s: want %d observations, got %d", i.via(), len(requests), len(observations))
	}
	return observations, nil
}

// askLimit is more than the agent can need, so that only one that hangs meets it.
func askLimit(requests []Request) time.Duration {
	limit := askMargin
	for _, r := range requests {
		limit += r.Timeout
	}
	return limit
}

func (i inside) unavailable(r Request, began time.Time, err error) Observation {
	p, _ := newPlan(r) // an impossible request is reported by the agent, had it run
	return Observation{
		Request: p.summary(), RequestID: p.RequestID, At: began,
		Failure: &Failure{Class: ClassAgent, Phase: PhaseAgent, Message: err.Error()},
	}
}

func short(b []byte) []byte { return b[:min(len(b), maxEcho)] }

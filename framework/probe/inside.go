package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
)

// AgentPath is where the agent's image has its binary.
const AgentPath = "/app"

// maxEcho bounds what of the agent's output an error repeats.
const maxEcho = 300

const (
	// execMargin is what an exec may take beside the attempts themselves.
	execMargin = 15 * time.Second
	// execReserve is what a usual one takes on a busy machine.
	execReserve = 2 * time.Second
)

// Execer runs a command in a container; framework/kube.Client is one.
type Execer interface {
	Exec(ctx context.Context, namespace, pod, container string, cmd []string, stdin io.Reader) (stdout, stderr []byte, err error)
}

type inside struct {
	k                         Execer
	namespace, pod, container string
}

// Inside probes from a container that has the agent's image. An agent that cannot
// be run is a Failure of class "agent": it says nothing about the target.
func Inside(k Execer, namespace, pod, container string) Prober {
	return inside{k, namespace, pod, container}
}

func (i inside) via() string { return i.namespace + "/" + i.pod + "/" + i.container }

// Do implements Prober.
func (i inside) Do(ctx context.Context, r Request) Observation {
	return i.batch(ctx, []Request{r}, 1)[0]
}

// All makes several attempts, concurrency of them at once (0: all), and returns
// them in the order of the requests. From inside a pod they are one exec, so they
// are as concurrent as the agent can make them.
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
	observations, err := i.exec(ctx, named, concurrency)
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
// even if the exec fails, and the time that is left here, less what the exec needs
// to bring the answer: else a timeout of the target would look like one of ours.
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
		r.Timeout = max(min(r.Timeout, left-min(left/2, execReserve)), time.Millisecond)
	}
	return r
}

func (i inside) exec(ctx context.Context, requests []Request, concurrency int) ([]Observation, error) {
	input, err := json.Marshal(requests)
	if err != nil {
		return nil, fmt.Errorf("agent in %s: %w", i.via(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, execLimit(requests))
	defer cancel()
	cmd := []string{AgentPath, "probe", "--concurrency", strconv.Itoa(concurrency)}
	stdout, stderr, err := i.k.Exec(ctx, i.namespace, i.pod, i.container, cmd, bytes.NewReader(input))
	if err != nil {
		return nil, fmt.Errorf("agent in %s: %w; stderr: %q", i.via(), err, short(stderr))
	}
	var observations []Observation
	if err := json.Unmarshal(stdout, &observations); err != nil {
		return nil, fmt.Errorf("agent in %s: want observations as JSON, got %q: %w", i.via(), short(stdout), err)
	}
	if len(observations) != len(requests) {
		return nil, fmt.Errorf("agent in %s: want %d observations, got %d", i.via(), len(requests), len(observations))
	}
	return observations, nil
}

// execLimit is more than the agent can need, so that only a stuck exec meets it.
func execLimit(requests []Request) time.Duration {
	limit := execMargin
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

package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// maxInput bounds what the agent reads: certificates and bodies are small.
const maxInput = 8 << 20

// AgentPort is where the agent listens on its pod's loopback, next to Istio's ports.
const AgentPort = 15990

func agentPath(concurrency int) string { return "/probe?concurrency=" + strconv.Itoa(concurrency) }

// AgentHandler answers as Answer does, to POST /probe?concurrency=N. Each connection has a
// port that none has had for long.
func AgentHandler() http.Handler {
	own := newPorts()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /probe", func(w http.ResponseWriter, r *http.Request) {
		concurrency, err := strconv.Atoi(r.URL.Query().Get("concurrency"))
		var answer bytes.Buffer
		if err == nil {
			err = own.answer(r.Context(), r.Body, &answer, concurrency)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = answer.WriteTo(w) // whoever has gone asks again
	})
	return mux
}

// Answer is `agent probe`: it reads one Request, or an array of them, as JSON
// from in, makes the attempts from here and writes one Observation, or an array
// in the same order, to out. concurrency is how many of an array are under way at
// once; 0 means all. An error means that nothing was attempted, or not written.
func Answer(ctx context.Context, in io.Reader, out io.Writer, concurrency int) error {
	return newPorts().answer(ctx, in, out, concurrency)
}

func (p *ports) answer(ctx context.Context, in io.Reader, out io.Writer, concurrency int) error {
	requests, batch, err := decodeRequests(in)
	if err != nil {
		return err
	}
	for i := range requests {
		requests[i].ports = p
	}
	observations := all(ctx, Outside(), requests, concurrency)
	if batch {
		err = json.NewEncoder(out).Encode(observations)
	} else {
		err = json.NewEncoder(out).Encode(observations[0])
	}
	if err != nil {
		return fmt.Errorf("agent: writing what was observed: %w", err)
	}
	return nil
}

// decodeRequests takes exactly one JSON value, with no field that a Request does
// not have.
func decodeRequests(in io.Reader) (requests []Request, batch bool, err error) {
	data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return nil, false, fmt.Errorf("agent: reading the request: %w", err)
	}
	if len(data) > maxInput {
		return nil, false, fmt.Errorf("agent: the request is longer than %d bytes", maxInput)
	}
	data = bytes.TrimSpace(data)
	if batch = bytes.HasPrefix(data, []byte("[")); batch {
		err = json.Unmarshal(data, &requests)
	} else {
		requests = make([]Request, 1)
		err = json.Unmarshal(data, &requests[0])
	}
	if err != nil {
		return nil, batch, fmt.Errorf("agent: want a probe request as JSON, or an array of them: %w", err)
	}
	if len(requests) == 0 {
		return nil, batch, errors.New("agent: the array of requests is empty")
	}
	return requests, batch, nil
}

// all makes the attempts, so many at once, and keeps their order.
func all(ctx context.Context, p Prober, requests []Request, concurrency int) []Observation {
	if concurrency <= 0 || concurrency > len(requests) {
		concurrency = len(requests)
	}
	observations := make([]Observation, len(requests))
	next := make(chan int)
	var workers sync.WaitGroup
	for range concurrency {
		workers.Go(func() {
			for i := range next {
				observations[i] = p.Do(ctx, requests[i])
			}
		})
	}
	for i := range requests {
		next <- i
	}
	close(next)
	workers.Wait()
	return observations
}

package basicgateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"meshgate/framework/expect"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

const (
	unfailing = "unfailing.example.com"
	thousand  = 1000 // requests
	kept      = 20   // connections that share them evenly: of two replicas each gets some

	fieldFailedRequests expect.Field = "failed requests"
)

// steadily: a route that fails once in a while is only seen by a client that asks often.
func steadily() suite.Feature {
	often := fmt.Sprintf("of %d requests none fails", thousand)
	return suite.Feature{
		Name:    "Steady",
		Promise: "Of a thousand requests none fails.",
		Spec:    spec,
		Setup: []suite.Setup{
			suite.Credential("unfailing", pki.Leaf{DNSNames: []string{unfailing}}),
			suite.Fixtures("basic-gateway/steady/*.yaml"),
		},
		Steps: []suite.Step{
			suite.Eventually("the host answers", suite.Ask(probe.GET("https://"+unfailing+"/"), expect.Status(200))),
			suite.Now(often, suite.That(noneFails, fieldFailedRequests)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", "steady", expect.FieldStatus),
			suite.Replace("VirtualService", "steady", fieldFailedRequests, map[string]any{
				"fault": map[string]any{"abort": map[string]any{"percentage": map[string]any{"value": 1}, "httpStatus": 500}},
				"route": routeTo("my-app"),
			}, "spec", "http", "0").Called("one request of a hundred is refused").At(often),
		},
	}
}

// noneFails asks on all connections concurrently.
func noneFails(ctx context.Context, e suite.Env) error {
	seen, errs := make([][]probe.Observation, kept), make([]error, kept)
	var asking sync.WaitGroup
	for i := range seen {
		asking.Go(func() { seen[i], errs[i] = askOften(ctx, e, thousand/kept) })
	}
	asking.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return failures(slices.Concat(seen...))
}

// askOften makes so many requests on one connection, one after the other. Only the first
// is remembered: the others need not be found again in the gateway's log. What ends the
// connection fails all that were to follow, so that the time is up at most once.
func askOften(ctx context.Context, e suite.Env, times int) ([]probe.Observation, error) {
	r := probe.GET("https://" + unfailing + "/")
	r.Timeout = e.Budget().Probe
	held, first, err := e.Hold(ctx, r)
	if err != nil {
		return nil, err
	}
	if held == nil {
		return slices.Repeat([]probe.Observation{first}, times), nil
	}
	defer held.Close()
	seen := []probe.Observation{first}
	for len(seen) < times {
		seen = append(seen, held.Do(ctx, r))
	}
	return seen, nil
}

// failures judges that there are none.
func failures(seen []probe.Observation) error {
	slices.SortFunc(seen, func(a, b probe.Observation) int { return a.At.Compare(b.At) })
	var failed []error
	for _, o := range seen {
		if err := expect.Status(200).Judge(o); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return &expect.Mismatch{Field: fieldFailedRequests, Want: fmt.Sprintf("0 of %d", len(seen)),
		Got: fmt.Sprintf("%d of %d, the first: %v", len(failed), len(seen), failed[0])}
}

package basicgateway

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/mesh"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

const fieldRequestsTotal expect.Field = "istio_requests_total"

// metrics: the gateway counts each request in Istio's standard metric.
func metrics() suite.Feature {
	const requests, url = 5, "http://metrics.example.com/"
	const counted = "the counter moved by as many as were answered"
	more := fmt.Sprintf("%d more requests are answered", requests)
	var before float64
	ask := suite.Ask(probe.GET(url), expect.Status(200))
	return suite.Feature{
		Name:    "Metrics",
		Promise: "The gateway counts each request in istio_requests_total under the application's name.",
		Spec:    spec,
		Needs:   []mesh.Capability{mesh.IstioMetrics},
		Setup:   []suite.Setup{suite.Fixtures("basic-gateway/metrics/*.yaml")},
		Steps: []suite.Step{
			suite.Control("the application answers", ask),
			suite.Do("the counter is read", suite.Func(func(ctx context.Context, e suite.Env) (err error) {
				before, err = requestsCounted(ctx, e)
				return err
			})),
			suite.Now(more, ask, ask, ask, ask, ask),
			suite.Eventually(counted, suite.That(func(ctx context.Context, e suite.Env) error {
				after, err := requestsCounted(ctx, e)
				if err != nil || after-before == requests {
					return err
				}
				return &expect.Mismatch{Field: fieldRequestsTotal, Want: fmt.Sprintf("%v more", requests), Got: fmt.Sprintf("%v more", after-before)}
			}, fieldRequestsTotal)),
		},
		Sabotage: []suite.Sabotage{
			suite.Withhold("VirtualService", "metrics", expect.FieldStatus),
			unrouted(more, "metrics", url),
			suite.BreakBefore(counted, "somebody else asks too", fieldRequestsTotal, suite.WaitFor(suite.That(func(ctx context.Context, e suite.Env) error {
				e.AskThrough(ctx, "", probe.GET(url))
				after, err := requestsCounted(ctx, e)
				if err == nil && after-before <= requests {
					err = fmt.Errorf("%v more are counted, want more than %v", after-before, requests)
				}
				return err
			}))),
		},
	}
}

func requestsCounted(ctx context.Context, e suite.Env) (float64, error) {
	text, err := e.Through("").Admin(ctx, "stats/prometheus")
	if err != nil {
		return 0, err
	}
	return countRequests(text, `destination_service_name="my-app"`, `destination_service_namespace="`+e.Namespace("bookinfo")+`"`)
}

// countRequests adds up istio_requests_total over the series that carry all labels,
// in the text format that Prometheus reads.
func countRequests(text string, labels ...string) (float64, error) {
	var sum float64
	for line := range strings.Lines(text) {
		series, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if !ok || !strings.HasPrefix(series, "istio_requests_total{") || !carries(series, labels) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, fmt.Errorf("istio_requests_total: %w", err)
		}
		sum += n
	}
	return sum, nil
}

func carries(series string, labels []string) bool {
	for _, l := range labels {
		if !strings.Contains(series, l) {
			return false
		}
	}
	return true
}

package detect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// Ask requests a path from the admin interface of one proxy.
type Ask func(ctx context.Context, path string) ([]byte, error)

// metricsFilter is the filter that counts istio_requests_total. Only Istio's builds of Envoy
// contain it.
const metricsFilter = "istio_stats"

// ExportsMetrics is nil when a proxy exports istio_requests_total, or its build can do so
// (old versions had it from a Wasm plugin). The error says why not.
func ExportsMetrics(ctx context.Context, ask Ask) error {
	stats, err := ask(ctx, "stats/prometheus?filter=istio_requests_total")
	if err != nil {
		return fmt.Errorf("ask the ingress gateway's proxy for istio_requests_total: %w", err)
	}
	if bytes.Contains(stats, []byte("istio_requests_total")) {
		return nil
	}
	build, err := ask(ctx, "server_info")
	if err != nil {
		return fmt.Errorf("ask the ingress gateway's proxy for its extensions: %w", err)
	}
	if bytes.Contains(build, []byte(metricsFilter)) {
		return nil
	}
	return errors.New("the proxies do not export istio_requests_total, and their build has no extension that could (" + metricsFilter + ")")
}

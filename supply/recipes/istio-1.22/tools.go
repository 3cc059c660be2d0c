//go:build tools

// Package istio pins what the recipe compiles, so that `go mod tidy` keeps it.
package istio

import (
	_ "istio.io/istio/pilot/cmd/pilot-agent"
	_ "istio.io/istio/pilot/cmd/pilot-discovery"
)

//go:build tools

// Package calico pins what the recipe compiles, so that `go mod tidy` keeps it.
package calico

import (
	_ "github.com/projectcalico/calico/cni-plugin/cmd/calico"
	_ "github.com/projectcalico/calico/cni-plugin/cmd/install"
	_ "github.com/projectcalico/calico/node/cmd/calico-node"
)

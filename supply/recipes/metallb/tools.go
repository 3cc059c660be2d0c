//go:build tools

// Package metallb pins what the recipe compiles, so that `go mod tidy` keeps it.
package metallb

import (
	_ "go.universe.tf/metallb/controller"
	_ "go.universe.tf/metallb/speaker"
)

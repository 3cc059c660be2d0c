//go:build tools

// Package kubernetes pins what the recipe compiles beside its own commands.
package kubernetes

import _ "go.etcd.io/etcd/server/v3"

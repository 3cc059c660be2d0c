//go:build tools

// Package mongodb pins what the recipe compiles, so that `go mod tidy` keeps it.
package mongodb

import _ "github.com/FerretDB/FerretDB/cmd/ferretdb"

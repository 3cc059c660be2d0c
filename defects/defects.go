// Package defects holds the catalogue of what can be wrong with a mesh, one file each, as
// framework/defect reads it.
package defects

import "embed"

// FS holds the catalogue.
//
//go:embed *.yaml
var FS embed.FS

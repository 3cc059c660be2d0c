package diff

import (
	"embed"
	"reflect"

	"meshgate/framework/report"
)

// sources are where the document's comments are; see report.SchemaOf.
//
//go:embed diff.go features.go times.go
var sources embed.FS

// JSONSchema gives the schema of the JSON document. The published copy is
// docs/diff.schema.json.
func JSONSchema() ([]byte, error) {
	measures := map[reflect.Type][]any{reflect.TypeFor[Measure](): {Took, Converged}}
	return report.SchemaOf(reflect.TypeFor[Diff](), Schema, measures, sources)
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"meshgate/framework/report"
	"meshgate/framework/report/diff"

	"github.com/invopop/jsonschema"
)

// Where the sources of the documents' types are, seen from this folder, in which
// `go generate` and `go test` run; and the import path of this folder.
const (
	sources = "../../framework/report"
	here    = "meshgate/internal/gen"
)

// document is a JSON document that meshgate writes: its type and its version.
type document struct {
	of      reflect.Type
	version string
}

func reportDocument() document { return document{reflect.TypeFor[report.Run](), report.Schema} }
func diffDocument() document   { return document{reflect.TypeFor[diff.Diff](), diff.Schema} }

// schemaOf makes the schema (draft 2020-12) of a document from its type. The comments
// in the sources become the descriptions, so that each field is explained in one place.
func schemaOf(d document) (*jsonschema.Schema, error) {
	r := jsonschema.Reflector{
		Anonymous: true, ExpandedStruct: true, Mapper: mapped,
		// Fields may be added within a version, so a reader must accept unknown ones.
		AllowAdditionalProperties: true,
	}
	if err := r.AddGoComments(here, sources, jsonschema.WithFullComment()); err != nil {
		return nil, fmt.Errorf("schema of %s: comments of %s: %w", d.version, sources, err)
	}
	for name, text := range r.CommentMap {
		r.CommentMap[name] = strings.Join(strings.Fields(text), " ")
	}
	r.LookupComment = durations(r.CommentMap)
	s := r.ReflectFromType(d.of)
	if s.Description == "" {
		return nil, fmt.Errorf("schema of %s: %s holds no comment of %s: run this in internal/gen", d.version, sources, d.of)
	}
	version, ok := s.Properties.Get("schema")
	if !ok {
		return nil, fmt.Errorf("schema of %s: %s has no field %q for its version", d.version, d.of, "schema")
	}
	version.Type, version.Const = "", d.version
	s.ID, s.Title = jsonschema.ID(strings.ReplaceAll(d.version, "/", ".")+".schema.json"), d.version
	return s, nil
}

// durations describes the fields with a duration that the sources do not: by its unit.
func durations(comments map[string]string) func(reflect.Type, string) string {
	return func(t reflect.Type, field string) string {
		if t.Kind() != reflect.Struct || comments[t.PkgPath()+"."+t.Name()+"."+field] != "" {
			return ""
		}
		if f, found := t.FieldByName(field); !found || f.Type != reflect.TypeFor[report.Seconds]() {
			return ""
		}
		return "Duration in seconds."
	}
}

// encoded is the schema as the file that is published.
func encoded(s *jsonschema.Schema) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return "", fmt.Errorf("schema of %s: %w", s.Title, err)
	}
	return b.String(), nil
}

// mapped gives the schema of a type that Go's reflection does not tell enough about:
// durations, which are numbers in the document, and closed sets of words.
func mapped(t reflect.Type) *jsonschema.Schema {
	if t == reflect.TypeFor[report.Seconds]() {
		return &jsonschema.Schema{Type: "number"}
	}
	if words, ok := enums()[t]; ok {
		return &jsonschema.Schema{Type: "string", Enum: words}
	}
	return nil
}

// enums are the closed sets of words.
func enums() map[reflect.Type][]any {
	return map[reflect.Type][]any{
		reflect.TypeFor[report.Status](): {report.Pass, report.Fail, report.Skip, report.Error, report.Inconclusive},
		reflect.TypeFor[report.Kind]():   {report.Action, report.Control, report.Assertion, report.Cleanup},
		reflect.TypeFor[report.Outcome](): {report.OutcomePass, report.OutcomePartial, report.OutcomeFail,
			report.OutcomeInfrastructure, report.OutcomeInconclusive, report.OutcomeInterrupted},
		reflect.TypeFor[report.KillKind](): {report.Sabotaged, report.Defective},
		reflect.TypeFor[report.KillOutcome](): {report.Killed, report.Unharmed, report.Survived,
			report.WrongReason, report.Collateral, report.NotShown},
		reflect.TypeFor[diff.Measure](): {diff.Took, diff.Converged},
	}
}

package report

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"time"
)

// sources are where the model's comments are: they become the descriptions of
// the published schema, so that each field is explained in one place.
//
//go:embed model.go facts.go judge.go kill.go soak.go
var sources embed.FS

// JSONSchema gives the schema of the JSON document (draft 2020-12), made from
// the types. The published copy is docs/report.schema.json.
func JSONSchema() ([]byte, error) {
	docs, err := comments()
	if err != nil {
		return nil, err
	}
	g := generator{docs: docs, defs: map[string]any{}}
	root := g.object(reflect.TypeFor[Run]())
	root["properties"].(map[string]any)["schema"] = map[string]any{"const": Schema, "description": docs["Run.SchemaVersion"]}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "meshgate.report.v1.schema.json"
	root["title"] = Schema
	root["$defs"] = g.defs
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", Schema, err)
	}
	return b.Bytes(), nil
}

type generator struct {
	docs map[string]string // "Type" or "Type.Field" to its comment
	defs map[string]any
}

// enums are the closed sets of words.
func enums() map[reflect.Type][]any {
	return map[reflect.Type][]any{
		reflect.TypeFor[Status](): {Pass, Fail, Skip, Error, Inconclusive},
		reflect.TypeFor[Kind]():   {Given, Control, Then, Cleanup},
		reflect.TypeFor[Outcome](): {OutcomePass, OutcomePartial, OutcomeFail,
			OutcomeInfrastructure, OutcomeInconclusive, OutcomeInterrupted},
		reflect.TypeFor[KillKind]():    {Sabotaged, Defective},
		reflect.TypeFor[KillOutcome](): {Killed, Unharmed, Survived, WrongReason, Collateral, NotShown},
	}
}

func (g generator) schema(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[Seconds]():
		return map[string]any{"type": "number", "description": "seconds"}
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{}
	}
	if words, ok := enums()[t]; ok {
		return map[string]any{"type": "string", "enum": words}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.schema(t.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": g.schema(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": g.schema(t.Elem())}
	case reflect.Struct:
		return g.ref(t)
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.String:
		return map[string]any{"type": "string"}
	default: // any
		return map[string]any{}
	}
}

func (g generator) ref(t reflect.Type) map[string]any {
	if _, known := g.defs[t.Name()]; !known {
		g.defs[t.Name()] = nil // a type that holds itself ends here
		g.defs[t.Name()] = g.object(t)
	}
	return map[string]any{"$ref": "#/$defs/" + t.Name()}
}

func (g generator) object(t reflect.Type) map[string]any {
	properties := map[string]any{}
	required := []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		s := g.schema(f.Type)
		if doc := g.docs[t.Name()+"."+f.Name]; doc != "" {
			s["description"] = doc
		}
		properties[name] = s
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	// Fields may be added within a version, so unknown ones are allowed.
	return map[string]any{"type": "object", "description": g.docs[t.Name()], "properties": properties, "required": required}
}

// comments reads what the sources say about types and fields.
func comments() (map[string]string, error) {
	docs := map[string]string{}
	files, err := sources.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	for _, f := range files {
		src, err := sources.ReadFile(f.Name())
		if err != nil {
			return nil, fmt.Errorf("schema: %w", err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), src, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("schema: %w", err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool { return document(docs, n) })
	}
	return docs, nil
}

// document notes the comments of one declaration; it always goes deeper.
func document(docs map[string]string, n ast.Node) bool {
	d, ok := n.(*ast.GenDecl)
	if !ok || d.Tok != token.TYPE {
		return true
	}
	for _, spec := range d.Specs {
		t := spec.(*ast.TypeSpec)
		docs[t.Name.Name] = sentence(d.Doc)
		s, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range s.Fields.List {
			for _, name := range f.Names {
				docs[t.Name.Name+"."+name.Name] = sentence(f.Doc)
			}
		}
	}
	return true
}

// sentence is a comment on one line.
func sentence(c *ast.CommentGroup) string {
	return strings.Join(strings.Fields(c.Text()), " ")
}

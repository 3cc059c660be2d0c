package report

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"strings"
	"time"
)

// sources are where the model's comments are: they become the descriptions of
// the published schema, so that each field is explained in one place.
//
//go:embed model.go facts.go judge.go kill.go soak.go
var sources embed.FS

// JSONSchema gives the schema of the JSON document. The published copy is
// docs/report.schema.json.
func JSONSchema() ([]byte, error) { return SchemaOf(reflect.TypeFor[Run](), Schema, nil) }

// SchemaOf gives the schema (draft 2020-12) of a document, made from its type, in which
// types of this package may occur. Its field "schema" holds the version. Of another
// package's types the closed sets of words are given, and the files with the comments.
func SchemaOf(of reflect.Type, version string, words map[reflect.Type][]any, more ...embed.FS) ([]byte, error) {
	docs, err := comments(more...)
	if err != nil {
		return nil, err
	}
	g := generator{docs: docs, words: enums(), defs: map[string]any{}}
	maps.Copy(g.words, words)
	root := g.object(of)
	names := root["properties"].(map[string]any)["schema"].(map[string]any)
	delete(names, "type")
	names["const"] = version
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = strings.ReplaceAll(version, "/", ".") + ".schema.json"
	root["title"] = version
	root["$defs"] = g.defs
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", version, err)
	}
	return b.Bytes(), nil
}

type generator struct {
	docs  map[string]string // "package.Type" or "package.Type.Field" to its comment
	words map[reflect.Type][]any
	defs  map[string]any
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
	if words, ok := g.words[t]; ok {
		return map[string]any{"type": "string", "enum": words}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.schema(t.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": g.schema(t.Elem())}
	case reflect.Array:
		return map[string]any{"type": "array", "items": g.schema(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": g.schema(t.Elem())}
	case reflect.Struct:
		return g.ref(t)
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
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
	required := g.fields(t, properties, []string{})
	// Fields may be added within a version, so unknown ones are allowed.
	return map[string]any{"type": "object", "description": g.docs[t.String()], "properties": properties, "required": required}
}

// fields adds those that encoding/json writes, of an embedded struct too, and returns
// with the others those that are always there.
func (g generator) fields(t reflect.Type, properties map[string]any, required []string) []string {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			required = g.fields(f.Type, properties, required)
		}
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		s := g.schema(f.Type)
		if options != "omitempty" {
			required = append(required, name)
			if f.Type.Kind() == reflect.Pointer {
				s = map[string]any{"anyOf": []any{s, map[string]any{"type": "null"}}}
			}
		}
		if doc := g.docs[t.String()+"."+f.Name]; doc != "" {
			s["description"] = doc
		}
		properties[name] = s
	}
	return required
}

// comments reads what the sources say about types and fields.
func comments(more ...embed.FS) (map[string]string, error) {
	docs := map[string]string{}
	for _, from := range append(more, sources) {
		files, err := from.ReadDir(".")
		if err != nil {
			return nil, fmt.Errorf("schema: %w", err)
		}
		for _, f := range files {
			if err := read(docs, from, f.Name()); err != nil {
				return nil, fmt.Errorf("schema: %w", err)
			}
		}
	}
	return docs, nil
}

// read notes the comments of a file.
func read(docs map[string]string, from embed.FS, name string) error {
	src, err := from.ReadFile(name)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments)
	if err != nil {
		return err
	}
	ast.Inspect(parsed, func(n ast.Node) bool { return document(docs, parsed.Name.Name, n) })
	return nil
}

// document notes the comments of one declaration; it always goes deeper.
func document(docs map[string]string, pkg string, n ast.Node) bool {
	d, ok := n.(*ast.GenDecl)
	if !ok || d.Tok != token.TYPE {
		return true
	}
	for _, spec := range d.Specs {
		t := spec.(*ast.TypeSpec)
		name := pkg + "." + t.Name.Name
		docs[name] = sentence(d.Doc)
		s, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range s.Fields.List {
			for _, field := range f.Names {
				docs[name+"."+field.Name] = sentence(f.Doc)
			}
		}
	}
	return true
}

// sentence is a comment on one line.
func sentence(c *ast.CommentGroup) string {
	return strings.Join(strings.Fields(c.Text()), " ")
}

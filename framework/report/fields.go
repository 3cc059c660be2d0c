package report

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Fields gives the JSON document's fields as Markdown tables, one for each type,
// from the same comments as the schema. The published copy is in docs/report.md.
func Fields() (string, error) {
	docs, err := comments()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, t := range structs(reflect.TypeFor[Run](), nil) {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n| field | type | meaning |\n|---|---|---|\n", t.Name(), docs[t.String()])
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, typeName(f.Type), docs[t.String()+"."+f.Name])
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// structs are the document's types in the order in which they are met.
func structs(t reflect.Type, met []reflect.Type) []reflect.Type {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return structs(t.Elem(), met)
	case reflect.Struct:
	default:
		return met
	}
	if t == reflect.TypeFor[time.Time]() {
		return met
	}
	for _, m := range met {
		if m == t {
			return met
		}
	}
	met = append(met, t)
	for i := range t.NumField() {
		met = structs(t.Field(i).Type, met)
	}
	return met
}

// typeName is a type in the words of JSON.
func typeName(t reflect.Type) string {
	if words, ok := enums()[t]; ok {
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(words), "[]"), " ", ", ")
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return "time"
	case reflect.TypeFor[Seconds]():
		return "seconds"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "any"
		}
		return "list of " + typeName(t.Elem())
	case reflect.Map:
		return "object"
	case reflect.Struct:
		return "[" + t.Name() + "](#" + strings.ToLower(t.Name()) + ")"
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Bool:
		return "true or false"
	default:
		return t.Kind().String()
	}
}

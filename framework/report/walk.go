package report

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// Redacted returns a deep copy of the run in which every text, however deep and
// also inside observations and configuration, has gone through f. Package
// evidence has the function to give: Redactor.String.
func (r Run) Redacted(f func(string) string) Run {
	return mapped(reflect.ValueOf(r), f).Interface().(Run)
}

// normal returns a deep copy that encodes well: lists that the schema demands
// are never null, and an observation that is no JSON becomes a JSON string, so
// that one broken observation cannot cost the whole report.
func (r Run) normal() Run {
	return r.Redacted(func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") })
}

func mapped(v reflect.Value, f func(string) string) reflect.Value {
	switch v.Type() {
	case reflect.TypeFor[json.RawMessage]():
		return reflect.ValueOf(mappedJSON(v.Bytes(), f))
	case reflect.TypeFor[time.Time]():
		return v
	}
	switch v.Kind() {
	case reflect.String:
		out := reflect.New(v.Type()).Elem()
		out.SetString(f(v.String()))
		return out
	case reflect.Struct:
		return mappedStruct(v, f)
	case reflect.Slice:
		return mappedSlice(v, f)
	case reflect.Map:
		return mappedMap(v, f)
	case reflect.Pointer, reflect.Interface:
		return mappedElem(v, f)
	default:
		return v
	}
}

func mappedStruct(v reflect.Value, f func(string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			out.Field(i).Set(mapped(v.Field(i), f))
		}
	}
	return out
}

func mappedSlice(v reflect.Value, f func(string) string) reflect.Value {
	out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		out.Index(i).Set(mapped(v.Index(i), f))
	}
	return out
}

func mappedMap(v reflect.Value, f func(string) string) reflect.Value {
	if v.IsNil() {
		return v
	}
	out := reflect.MakeMapWithSize(v.Type(), v.Len())
	for it := v.MapRange(); it.Next(); {
		out.SetMapIndex(mapped(it.Key(), f), mapped(it.Value(), f))
	}
	return out
}

func mappedElem(v reflect.Value, f func(string) string) reflect.Value {
	if v.IsNil() {
		return v
	}
	if v.Kind() == reflect.Interface {
		return mapped(v.Elem(), f)
	}
	out := reflect.New(v.Type().Elem())
	out.Elem().Set(mapped(v.Elem(), f))
	return out
}

// mappedJSON maps the texts of an encoded document, numbers kept as written.
func mappedJSON(raw []byte, f func(string) string) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	var doc any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil || d.More() {
		doc = string(raw)
	}
	out, err := json.Marshal(mappedDoc(doc, f))
	if err != nil { // a decoded document or a string always encodes
		return json.RawMessage(`"observation could not be encoded"`)
	}
	return out
}

func mappedDoc(doc any, f func(string) string) any {
	switch d := doc.(type) {
	case string:
		return f(d)
	case []any:
		for i := range d {
			d[i] = mappedDoc(d[i], f)
		}
		return d
	case map[string]any:
		out := make(map[string]any, len(d))
		for k, v := range d {
			out[f(k)] = mappedDoc(v, f)
		}
		return out
	default:
		return doc
	}
}

package report

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// Redactor takes secrets out of texts, and out of encoded documents, where the name
// of a field may tell that its value is one. Package evidence has it.
type Redactor interface {
	String(string) string
	JSON([]byte) []byte
}

// Redacted returns a deep copy of the run in which every text, however deep, and
// every observation has gone through the redactor.
func (r Run) Redacted(by Redactor) Run {
	return mapped(reflect.ValueOf(r), by).Interface().(Run)
}

// normal returns a deep copy that encodes well: lists that the schema demands
// are never null, and an observation that is no JSON becomes a JSON string, so
// that one broken observation cannot cost the whole report.
func (r Run) normal() Run { return r.Redacted(asItIs{}) }

type asItIs struct{}

func (asItIs) String(s string) string  { return strings.ToValidUTF8(s, "\uFFFD") }
func (asItIs) JSON(data []byte) []byte { return data }

func mapped(v reflect.Value, by Redactor) reflect.Value {
	switch v.Type() {
	case reflect.TypeFor[json.RawMessage]():
		return reflect.ValueOf(mappedJSON(v.Bytes(), by))
	case reflect.TypeFor[time.Time]():
		return v
	}
	switch v.Kind() {
	case reflect.String:
		out := reflect.New(v.Type()).Elem()
		out.SetString(by.String(v.String()))
		return out
	case reflect.Struct:
		return mappedStruct(v, by)
	case reflect.Slice:
		return mappedSlice(v, by)
	case reflect.Map:
		return mappedMap(v, by)
	case reflect.Pointer, reflect.Interface:
		return mappedElem(v, by)
	default:
		return v
	}
}

func mappedStruct(v reflect.Value, by Redactor) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			out.Field(i).Set(mapped(v.Field(i), by))
		}
	}
	return out
}

func mappedSlice(v reflect.Value, by Redactor) reflect.Value {
	out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		out.Index(i).Set(mapped(v.Index(i), by))
	}
	return out
}

func mappedMap(v reflect.Value, by Redactor) reflect.Value {
	if v.IsNil() {
		return v
	}
	out := reflect.MakeMapWithSize(v.Type(), v.Len())
	for it := v.MapRange(); it.Next(); {
		out.SetMapIndex(mapped(it.Key(), by), mapped(it.Value(), by))
	}
	return out
}

func mappedElem(v reflect.Value, by Redactor) reflect.Value {
	if v.IsNil() {
		return v
	}
	if v.Kind() == reflect.Interface {
		return mapped(v.Elem(), by)
	}
	out := reflect.New(v.Type().Elem())
	out.Elem().Set(mapped(v.Elem(), by))
	return out
}

func mappedJSON(raw []byte, by Redactor) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	out := by.JSON(raw)
	if json.Valid(out) {
		return out
	}
	text, err := json.Marshal(by.String(string(out)))
	if err != nil { // a string always encodes
		return json.RawMessage(`"observation could not be encoded"`)
	}
	return text
}

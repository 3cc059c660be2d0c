package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"meshgate/framework/nearest"

	"google.golang.org/protobuf/reflect/protoreflect"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CheckPath is an error if the type of a kind has no such path, without looking at any
// object. The path is that of SetField: through mappings by key and through lists by index.
// The error names the nearest key there is.
func CheckPath(kindName string, path ...string) error {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == kindName })
	switch {
	case i < 0:
		return fmt.Errorf("kind %s is not known; %s", kindName, nearest.To(kindName, kindNames()))
	case len(path) == 0:
		return errors.New("no path is given")
	}
	at := root(kinds[i])
	for n, key := range path {
		next, err := at.child(key)
		if err != nil {
			return fmt.Errorf("%s %s: %w", kindName, strings.Join(path[:n+1], "."), err)
		}
		at = next
	}
	return nil
}

func kindNames() []string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.name)
	}
	return all
}

// node is where a path leads in a type.
type node interface {
	child(key string) (node, error)
}

// root is the place above the first key: a Go type, or metadata and a message as its spec.
func root(k kind) node {
	if k.spec == nil {
		return goType{reflect.TypeOf(k.typed()).Elem()}
	}
	return fields{
		"apiVersion": leaf{}, "kind": leaf{}, "metadata": goType{reflect.TypeFor[metav1.ObjectMeta]()},
		"spec": message{k.spec().ProtoReflect().Descriptor()},
	}
}

// fields are the keys of a mapping.
type fields map[string]node

func (f fields) child(key string) (node, error) {
	if next, ok := f[key]; ok {
		return next, nil
	}
	var names []string
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	return nil, fmt.Errorf("no such field; %s", nearest.To(key, names))
}

// leaf is a place below which there is nothing.
type leaf struct{}

func (leaf) child(string) (node, error) { return nil, errors.New("nothing is below it") }

// free is a place below which any keys may be.
type free struct{}

func (free) child(string) (node, error) { return free{}, nil }

// listOf is a list.
type listOf struct{ item node }

func (l listOf) child(key string) (node, error) {
	if i, err := strconv.Atoi(key); err != nil || i < 0 {
		return nil, fmt.Errorf("want an index of the list, got %q", key)
	}
	return l.item, nil
}

// mapOf is a mapping with any keys.
type mapOf struct{ value node }

func (m mapOf) child(string) (node, error) { return m.value, nil }

// message is a protobuf message, whose fields go by their JSON names.
type message struct{ protoreflect.MessageDescriptor }

func (m message) child(key string) (node, error) {
	if m.ParentFile().Package() == "google.protobuf" {
		if m.Name() == "Struct" || m.Name() == "Value" || m.Name() == "Any" {
			return free{}, nil
		}
		return leaf{}.child(key)
	}
	all := fields{}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		all[f.JSONName()] = placeOf(f)
	}
	return all.child(key)
}

func placeOf(f protoreflect.FieldDescriptor) node {
	switch {
	case f.IsMap():
		return mapOf{single(f.MapValue())}
	case f.IsList():
		return listOf{single(f)}
	}
	return single(f)
}

func single(f protoreflect.FieldDescriptor) node {
	if f.Kind() == protoreflect.MessageKind {
		return message{f.Message()}
	}
	return leaf{}
}

// goType is a type of Kubernetes' own, whose fields go by their JSON tags.
type goType struct{ reflect.Type }

func (g goType) child(key string) (node, error) {
	switch t := g.Type; {
	case t.Kind() == reflect.Pointer:
		return goType{t.Elem()}.child(key)
	case reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()):
		return leaf{}.child(key) // a time, a quantity, a number or a text
	case t.Kind() == reflect.Struct:
		all := fields{}
		g.collect(all)
		return all.child(key)
	case t.Kind() == reflect.Map:
		return goType{t.Elem()}, nil
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return listOf{goType{t.Elem()}}.child(key)
	}
	return leaf{}.child(key)
}

func (g goType) collect(all fields) {
	for i := range g.NumField() {
		f := g.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case strings.Contains(options, "inline"), f.Anonymous && name == "":
			goType{f.Type}.collect(all)
		case name != "" && name != "-":
			all[name] = goType{f.Type}
		}
	}
}

package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// problems are told in one line.
type problems []string

func (p problems) Error() string { return strings.Join(p, "; ") }

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// message compares a value with the message it must be. Fields go by their JSON
// names: the API server drops what it knows under no such name, also the names of
// the proto file, which a decoder of protobuf would take.
func (p *problems) message(path string, value any, m protoreflect.MessageDescriptor) {
	if m.ParentFile().Package() == "google.protobuf" {
		p.wellKnown(path, value, m)
		return
	}
	fields, ok := value.(map[string]any)
	if !ok {
		p.add("%s: want a mapping, got %v", path, value)
		return
	}
	chosen := map[protoreflect.Name]string{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field := m.Fields().ByJSONName(name)
		if field == nil {
			p.add("%s.%s: unknown field; %s has %s", path, name, m.Name(), jsonNames(m))
			continue
		}
		if one := field.ContainingOneof(); one != nil && !one.IsSynthetic() {
			if other := chosen[one.Name()]; other != "" {
				p.add("%s: %s and %s exclude each other", path, other, name)
			}
			chosen[one.Name()] = name
		}
		p.field(path+"."+name, fields[name], field)
	}
}

// field compares the value of one field, which may be a list or a map.
func (p *problems) field(path string, value any, f protoreflect.FieldDescriptor) {
	switch {
	case f.IsMap():
		entries, ok := value.(map[string]any)
		if !ok {
			p.add("%s: want a mapping, got %v", path, value)
		}
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			p.single(path+"."+key, entries[key], f.MapValue())
		}
	case f.IsList():
		items, ok := value.([]any)
		if !ok {
			p.add("%s: want a list, got %v", path, value)
		}
		for i, item := range items {
			p.single(fmt.Sprintf("%s[%d]", path, i), item, f)
		}
	default:
		p.single(path, value, f)
	}
}

func (p *problems) single(path string, value any, f protoreflect.FieldDescriptor) {
	switch f.Kind() {
	case protoreflect.MessageKind:
		p.message(path, value, f.Message())
	case protoreflect.EnumKind:
		p.enumeration(path, value, f.Enum().Values())
	case protoreflect.StringKind, protoreflect.BytesKind:
		if _, ok := value.(string); !ok {
			p.add("%s: want a text, got %v (quote it)", path, value)
		}
	case protoreflect.BoolKind:
		if _, ok := value.(bool); !ok {
			p.add("%s: want true or false, got %q", path, fmt.Sprint(value))
		}
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		_, whole := value.(int64)
		if _, ok := value.(float64); !ok && !whole {
			p.add("%s: want a number, got %q", path, fmt.Sprint(value))
		}
	default: // whole numbers; those with a range are judged by the message's decoder
		if _, ok := value.(int64); !ok {
			p.add("%s: want a whole number, got %q", path, fmt.Sprint(value))
		}
	}
}

func (p *problems) enumeration(path string, value any, all protoreflect.EnumValueDescriptors) {
	text, _ := value.(string)
	if all.ByName(protoreflect.Name(text)) != nil {
		return
	}
	var names []string
	for i := range all.Len() {
		names = append(names, string(all.Get(i).Name()))
	}
	p.add("%s: want one of %v, got %q", path, names, fmt.Sprint(value))
}

// wellKnown looks at the one type of protobuf's own that people get wrong, and
// leaves the rest to the message's decoder.
func (p *problems) wellKnown(path string, value any, m protoreflect.MessageDescriptor) {
	if m.Name() != "Duration" {
		return
	}
	text, _ := value.(string)
	if _, err := time.ParseDuration(text); err != nil {
		p.add("%s: want a duration such as 90s, got %q", path, fmt.Sprint(value))
	}
}

func jsonNames(m protoreflect.MessageDescriptor) []string {
	var all []string
	for i := range m.Fields().Len() {
		all = append(all, m.Fields().Get(i).JSONName())
	}
	slices.Sort(all)
	return all
}

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"meshgate/framework/nearest"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fromYAML takes the settings of a file. It walks the nodes instead of decoding
// into a struct, so that every problem has its line and so that an unquoted
// version, 1.30, is not read as the number 1.3.
func (r *reader) fromYAML(name string, data []byte) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return
	} else if err != nil {
		r.problem(Problem{What: "file of settings", Want: "YAML", Origin: name, Detail: err.Error()})
		return
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		r.problem(Problem{What: "file of settings", Want: "one YAML document", Origin: name, Detail: "there is more after the first"})
		return
	}
	r.mapping(name, "", doc.Content[0])
}

// mapping takes the keys below a place in the file.
func (r *reader) mapping(file, place string, n *yaml.Node) {
	where := fmt.Sprintf("%s:%d", file, n.Line)
	if n.Kind != yaml.MappingNode {
		if n.Tag == "!!null" {
			return
		}
		r.problem(Problem{What: strings.TrimSuffix(place, "."), Want: "a mapping", Got: n.Value, Origin: where, Detail: kindOf(n)})
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		key := place + k.Value
		where := fmt.Sprintf("%s:%d", file, k.Line)
		if seen[key] {
			r.problem(Problem{What: key, Want: "each key once", Got: k.Value, Origin: where})
			continue
		}
		seen[key] = true
		r.field(file, where, key, v)
	}
}

// field takes one key: a section, a setting, or neither.
func (r *reader) field(file, where, key string, v *yaml.Node) {
	var keys []string
	for _, s := range r.table {
		if s.key == key {
			r.leaf(where, s, v)
			return
		}
		if strings.HasPrefix(s.key, key+".") {
			r.mapping(file, key+".", v)
			return
		}
		keys = append(keys, s.key)
	}
	r.problem(Problem{What: "field " + key, Nearest: nearestKey(key, keys), Origin: where})
}

// leaf takes the value of a setting, in the form its kind allows.
func (r *reader) leaf(where string, s setting, v *yaml.Node) {
	text, ok := plain(s.kind, v)
	if !ok {
		r.problem(Problem{What: s.key, Want: s.want, Got: v.Value, Origin: where, Detail: kindOf(v)})
		return
	}
	r.give(s.key, text, where)
}

// plain writes a node as the text a flag would have.
func plain(kind string, v *yaml.Node) (string, bool) {
	switch {
	case kind == "yaml" && v.Kind == yaml.MappingNode:
		out, err := yaml.Marshal(v)
		return string(out), err == nil
	case kind == "list" && v.Kind == yaml.SequenceNode:
		return scalars(v.Content, func(all []string) string { return strings.Join(all, ",") })
	case kind == "pairs" && v.Kind == yaml.MappingNode:
		return scalars(v.Content, joinPairs)
	case v.Kind == yaml.ScalarNode && v.Tag != "!!null" && kind != "yaml":
		return v.Value, true
	}
	return "", false
}

// scalars joins nodes that are all plain values without the separator in them.
func scalars(nodes []*yaml.Node, join func([]string) string) (string, bool) {
	var all []string
	for _, n := range nodes {
		if n.Kind != yaml.ScalarNode || strings.Contains(n.Value, ",") {
			return "", false
		}
		all = append(all, n.Value)
	}
	return join(all), true
}

func joinPairs(all []string) string {
	var out []string
	for pair := range slices.Chunk(all, 2) {
		out = append(out, strings.Join(pair, "="))
	}
	return strings.Join(out, ",")
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "it is a mapping"
	case n.Kind == yaml.SequenceNode:
		return "it is a list"
	case n.Kind == yaml.AliasNode:
		return "it is an alias"
	case n.Tag == "!!null":
		return "nothing is set"
	}
	return "it is a plain value"
}

// nearestKey also recognises a setting that was put into the wrong section.
func nearestKey(key string, keys []string) string {
	last := func(k string) string { return k[strings.LastIndex(k, ".")+1:] }
	for _, k := range keys {
		if last(k) == last(key) {
			return k
		}
	}
	return nearest.Of(key, keys)
}

// Package manifest turns fixtures, plain YAML that a user could apply, into
// objects: decoded strictly, edited structurally, in the order of application.
// It asks nothing of a cluster.
package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Load reads the files that match the patterns (see fs.Glob). A pattern that
// matches nothing is an error, and so is an unknown field, a value of a wrong
// type, an unknown kind, a duplicate key or object; the error names file,
// document and field.
func Load(fsys fs.FS, globs ...string) (Set, error) {
	if len(globs) == 0 {
		return Set{}, errors.New("fixtures: no pattern is given")
	}
	var objs []*unstructured.Unstructured
	seen := map[string]bool{}
	for _, glob := range globs {
		files, err := fs.Glob(fsys, glob)
		if err != nil {
			return Set{}, fmt.Errorf("fixtures %q: %w", glob, err)
		}
		if len(files) == 0 {
			return Set{}, fmt.Errorf("fixtures %q: the pattern matches no file", glob)
		}
		for _, file := range files {
			if seen[file] {
				continue
			}
			seen[file] = true
			loaded, err := loadFile(fsys, file)
			if err != nil {
				return Set{}, err
			}
			objs = append(objs, loaded...)
		}
	}
	return checked(objs)
}

func loadFile(fsys fs.FS, file string) ([]*unstructured.Unstructured, error) {
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("fixture %s: %w", file, err)
	}
	var objs []*unstructured.Unstructured
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for n := 1; ; n++ {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("fixture %s, document %d: %w", file, n, err)
		}
		o, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("fixture %s, document %d: %w", file, n, err)
		}
		if o != nil {
			objs = append(objs, o)
		}
	}
	if len(objs) == 0 {
		return nil, fmt.Errorf("fixture %s: no object in it", file)
	}
	return objs, nil
}

// Parse reads one document as strictly as Load; nil is one that holds comments alone.
func Parse(text []byte) (*unstructured.Unstructured, error) {
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, err
	}
	if string(data) == "null" {
		return nil, nil
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(data); err != nil {
		return nil, err
	}
	if err := check(o); err != nil {
		return nil, fmt.Errorf("%s: %w", title(o), err)
	}
	return o, nil
}

// title names an object: "VirtualService bookinfo/api".
func title(o *unstructured.Unstructured) string {
	name := o.GetName()
	if o.GetNamespace() != "" {
		name = o.GetNamespace() + "/" + name
	}
	return o.GetKind() + " " + name
}

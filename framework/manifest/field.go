package manifest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"
)

// SetField replaces a field of one object. The path goes through mappings by key
// and through lists by index, "0". The field must be there: what is set where
// nothing was may be misspelt.
func SetField(kind, name string, value any, path ...string) Edit {
	return onField("SetField", kind, name, path, func(parent any, key string) error {
		plain, err := jsonValue(value)
		if err != nil {
			return err
		}
		return put(parent, key, plain)
	})
}

// RemoveField removes a key of a mapping, which must be there.
func RemoveField(kind, name string, path ...string) Edit {
	return onField("RemoveField", kind, name, path, func(parent any, key string) error {
		m, ok := parent.(map[string]any)
		if !ok {
			return fmt.Errorf("want a mapping above %q, got %T", key, parent)
		}
		delete(m, key)
		return nil
	})
}

func onField(edit, kind, name string, path []string, f func(parent any, key string) error) Edit {
	where := strings.Join(path, ".")
	e := EditEach(fmt.Sprintf("%s %s %s %s", edit, kind, name, where), func(o *unstructured.Unstructured) (bool, error) {
		if o.GetKind() != kind || o.GetName() != name {
			return false, nil
		}
		if len(path) == 0 {
			return true, fmt.Errorf("no path is given")
		}
		var at any = o.Object
		for i, key := range path {
			next, err := child(at, key)
			if err != nil {
				return true, fmt.Errorf("%s: %w", strings.Join(path[:i+1], "."), err)
			}
			if i == len(path)-1 {
				return true, f(at, key)
			}
			at = next
		}
		return true, nil
	})
	e.check = func() error { return CheckPath(kind, path...) }
	return e
}

// child goes one step down.
func child(at any, key string) (any, error) {
	switch node := at.(type) {
	case map[string]any:
		if next, ok := node[key]; ok {
			return next, nil
		}
		return nil, fmt.Errorf("no such field")
	case []any:
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i >= len(node) {
			return nil, fmt.Errorf("want an index below %d", len(node))
		}
		return node[i], nil
	}
	return nil, fmt.Errorf("nothing is below %v", at)
}

// put is called after child found something at key.
func put(parent any, key string, value any) error {
	if m, ok := parent.(map[string]any); ok {
		m[key] = value
		return nil
	}
	i, err := strconv.Atoi(key)
	if err != nil {
		return err
	}
	parent.([]any)[i] = value
	return nil
}

// jsonValue turns a Go value into what unstructured objects are made of: an int,
// for one, cannot be copied there.
func jsonValue(v any) (any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	err = kjson.UnmarshalCaseSensitivePreserveInts(data, &out)
	return out, err
}

package manifest

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// rewrite passes every text of an object that refers to something through f.
func rewrite(o *unstructured.Unstructured, f func(form, string) string) {
	for _, r := range references {
		if r.kind == "" || r.kind == o.GetKind() {
			texts(o.Object, r.place, func(s string) string { return f(r.form, s) })
		}
	}
}

// texts passes every text below a node at a place through f.
func texts(node any, place []string, f func(string) string) {
	switch n := node.(type) {
	case map[string]any:
		for key, value := range n {
			step(value, key, place, f, func(s string) { n[key] = s })
		}
	case []any:
		for i, value := range n {
			step(value, strconv.Itoa(i), place, f, func(s string) { n[i] = s })
		}
	}
}

// step follows one step of the place, and sets the text where the place ends.
func step(value any, key string, place []string, f func(string) string, set func(string)) {
	for _, rest := range follow(key, place) {
		if text, ok := value.(string); ok && len(rest) == 0 {
			set(f(text))
			return
		}
		texts(value, rest, f)
	}
}

// follow returns what can remain of a place after a step; "**" may end or go on.
func follow(key string, place []string) [][]string {
	switch {
	case len(place) == 0:
		return nil
	case place[0] == "**":
		return append(follow(key, place[1:]), place)
	case place[0] == "*" || place[0] == key:
		return [][]string{place[1:]}
	}
	return nil
}

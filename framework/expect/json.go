package expect

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"meshgate/framework/probe"
)

// JSONField wants a value in a JSON body. The path goes by keys and list indices,
// parted by dots: "reviews.0.rating.stars". Text is compared as it is, everything
// else as JSON writes it.
func JSONField(path, want string) Check {
	return func(o probe.Observation) error {
		got, err := lookup(o, path)
		if err != nil {
			got = err.Error()
		}
		return verdict(o, unless(err == nil && got == want, path, want, got))
	}
}

func lookup(o probe.Observation, path string) (string, error) {
	if o.Failure != nil {
		return "", fmt.Errorf("no answer: %s", outcome(o))
	}
	var at any
	if err := json.Unmarshal(o.Body, &at); err != nil {
		return "", fmt.Errorf("no JSON: %s", clip(string(o.Body)))
	}
	for key := range strings.SplitSeq(path, ".") {
		next, ok := step(at, key)
		if !ok {
			return "", fmt.Errorf("nothing at %q", key)
		}
		at = next
	}
	if s, ok := at.(string); ok {
		return s, nil
	}
	out, err := json.Marshal(at)
	return string(out), err
}

func step(at any, key string) (any, bool) {
	switch node := at.(type) {
	case map[string]any:
		next, ok := node[key]
		return next, ok
	case []any:
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i >= len(node) {
			return nil, false
		}
		return node[i], true
	}
	return nil, false
}

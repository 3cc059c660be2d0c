package mesh

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

func parseConfigz(body []byte) (map[object]string, error) {
	var raw []struct {
		Kind     string `json:"kind"`
		Metadata struct {
			Name            string `json:"name"`
			Namespace       string `json:"namespace"`
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fmt.Errorf("want a JSON list of objects: %w, got %.80q", err, body)
	}
	out := make(map[object]string, len(raw))
	for _, r := range raw {
		out[object{kind: r.Kind, namespace: r.Metadata.Namespace, name: r.Metadata.Name}] = r.Metadata.ResourceVersion
	}
	return out, nil
}

// inboundUpdates sums pilot_inbound_updates over its types: every event that
// makes istiod send something counts in it.
func inboundUpdates(metrics []byte) (float64, error) {
	const name = "pilot_inbound_updates"
	sum, found := 0.0, false
	lines := bufio.NewScanner(bytes.NewReader(metrics))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		l := lines.Text()
		if !strings.HasPrefix(l, name) {
			continue
		}
		v, err := strconv.ParseFloat(l[strings.LastIndexByte(l, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("%s: want a number at the end of %q: %w", name, l, err)
		}
		sum, found = sum+v, true
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	if !found {
		return 0, fmt.Errorf("%s: want this counter, got %d bytes without it", name, len(metrics))
	}
	return sum, nil
}

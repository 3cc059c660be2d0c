package mesh

import (
	"encoding/json"
	"fmt"
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

// inboundUpdates sums pilot_inbound_updates over its types: it counts every event that makes
// istiod send something.
func inboundUpdates(metrics []byte) (float64, error) {
	return counterIn(metrics, "pilot_inbound_updates")
}
